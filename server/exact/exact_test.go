package exact_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/exact"
)

type entity struct {
	ID         *string        `json:"id"`
	Properties map[string]any `json:"properties"`
}

type part struct {
	Subject *entity `json:"subject"`
}

type request struct {
	part
	Items []part          `json:"items"`
	Raw   json.RawMessage `json:"raw"`
	At    *time.Time      `json:"at"`
	Limit int             `json:"limit"`
	Flag  bool            `json:"flag"`
	Named map[string]part `json:"named"`
}

func TestRead(t *testing.T) {
	passing, strict := exact.Of[request](exact.PassedOver), exact.Of[request](exact.Refused)
	for text, want := range map[string]string{ // "" is well
		`{}`: "", ` { "subject" : { "id" : "ana" , "properties":{"a":{"b":[1,2,{"c":null}]}}}, "limit": -7 } `: "",
		`{"items":[{"subject":{}},{}], "raw":[true,false,"\"}{"], "at":"2026-11-25T09:30:00Z","named":{"Subject":{}}}`: "",
		`{"subject":{"id":"bo"},"Subject":{"id":"ana"}}`:                                                               "Subject: differs from subject",
		`{"Subject":{"id":"ana"}}`:                                           "Subject: differs from subject",
		`{"\u017fubject":{"id":"ana"}}`:                                      "ſubject: differs from subject",
		`{"subject":{"ID":"ana"}}`:                                           "subject.ID: differs from id",
		`{"subject":{"id":"bo"},"subject":{"id":"ana"}}`:                     "subject: is given twice",
		`{"subject":{"id":"bo"},"\u0073ubject":{"id":"ana"}}`:                "subject: is given twice",
		`{"items":[{},{"subject":{"id":"a","id":"b"}}]}`:                     "items[1].subject.id: is given twice",
		`{"subject":{"properties":{"deep":[{"x":1,"x":2}]}}}`:                "subject.properties.deep[0].x: is given twice",
		`{"raw":{"a":1,"a":2,"n":[1e400]},"limit":1}`:                        "",
		`{"raw":{"a":1,"a":2},"Limit":1}`:                                    "Limit: differs from limit",
		`{"named":{"x":{"Subject":{}}}}`:                                     "named.x.Subject: differs from subject",
		`{"limit":"7"}`:                                                      "limit: has the wrong type (it must be a whole number)",
		`{"items":{}}`:                                                       "items: has the wrong type (it must be a list)",
		`{"subject":[]}`:                                                     "subject: has the wrong type (it must be an object)",
		`{"flag":"true"}`:                                                    "flag: has the wrong type (it must be true or false)",
		`{"subject":{"properties":{"n":1e400}}}`:                             "subject.properties.n: is a number out of range",
		`{"subject":{"properties":{"n":-1E+400}}}`:                           "subject.properties.n: is a number out of range",
		`{"subject":{"properties":{"n":1e-400}}}`:                            "subject.properties.n: is a number too close to zero",
		`{"subject":{"properties":{"n":1` + strings.Repeat("0", 200) + `}}}`: "subject.properties.n: is a number of more than 100 digits",
		`{"subject":{"properties":{"n":[1e999999999]}}}`:                     "subject.properties.n[0]: is a number out of range",
		`[]`: "body: has the wrong type (it must be an object)", ``: "body: is not one well-formed", `{`: "body: is not one", `{}{}`: "body: is not one", `{"a":}`: "body: is not one",
		"{\"a\":\"\xff\"}": "body: is not valid UTF-8",
	} {
		var got request
		err := passing.Read([]byte(text), &got)
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want) || !model.Is(err, model.KindInvalid)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
		if err := strict.Read([]byte(text), &got); (err == nil) != (want == "") {
			t.Errorf("strictly %s: %v", text, err)
		}
	}
	var got request
	if err := passing.Read([]byte(`{"subjct":1}`), &got); err != nil {
		t.Errorf("an unknown member that is passed over: %v", err)
	}
	if err := strict.Read([]byte(`{"subjct":1}`), &got); err == nil || !strings.Contains(err.Error(), "did you mean subject?") {
		t.Errorf("an unknown member that is refused: %v", err)
	}
}

func TestNumbersStayAsTheyWereWritten(t *testing.T) {
	var got request
	if err := exact.Of[request](exact.Refused).Read([]byte(`{"subject":{"properties":{"n":9007199254740993,"d":0.1000000000000000055511151231257827}}}`), &got); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(got.Subject.Properties)
	if want := `{"d":0.1000000000000000055511151231257827,"n":9007199254740993}`; err != nil || string(text) != want {
		t.Errorf("got %s, %v", text, err)
	}
}

// FuzzRead compares with the standard library: what is taken here means the
// same there, and what is refused there is refused here.
func FuzzRead(f *testing.F) {
	for _, text := range []string{`{"subject":{"id":"a"},"Subject":{}}`, `{"items":[{"subject":{"properties":{"a":1e5,"b":[[],{}]}}}]}`, `{"raw":"\u0022\\","at":null}`} {
		f.Add([]byte(text))
	}
	shape := exact.Of[request](exact.PassedOver)
	f.Fuzz(func(t *testing.T, text []byte) {
		var got, want request
		if err := shape.Read(text, &got); err != nil {
			if !model.Is(err, model.KindInvalid) {
				t.Fatal(err)
			}
			return
		}
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatalf("%q is taken, and the standard library says %v", text, err)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	shape := exact.Of[request](exact.PassedOver)
	text := []byte(`{"subject":{"id":"ana@sales","properties":{"a":1,"b":"two"}},"items":[{"subject":{"id":"x"}}],"limit":7}`)
	b.Run("exact", func(b *testing.B) {
		for b.Loop() {
			var r request
			_ = shape.Read(text, &r)
		}
	})
	b.Run("standard", func(b *testing.B) {
		for b.Loop() {
			var r request
			_ = json.Unmarshal(text, &r)
		}
	})
}
