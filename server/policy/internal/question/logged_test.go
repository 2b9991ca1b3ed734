package question

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
)

// TestLoggedResourceIsWhatWasAskedAbout changes each field of a resource, and
// finds the change in what is read from the input: a row that cannot be read
// back would be forgotten where a record is gone.
func TestLoggedResourceIsWhatWasAskedAbout(t *testing.T) {
	n := 0
	var q Question
	leaves(reflect.ValueOf(&q.Resource), "", func(string, reflect.Value) { n++ })
	for i := range n {
		q := Question{}
		at := 0
		leaves(reflect.ValueOf(&q.Resource), "", func(name string, v reflect.Value) {
			if at == i && name != ".Findings" {
				change(t, name, v)
			}
			at++
		})
		if got := LoggedResource(q.Input()); !reflect.DeepEqual(got, q.Resource) {
			t.Errorf("got %+v, want %+v", got, q.Resource)
		}
	}
	masked := `{"resource": {"name": 7, "tags": "masked:1", "ports": "masked:2", "exposed": "masked:3", "owner": "masked:4"}}`
	if got, want := LoggedResource([]byte(masked)), (Resource{Owner: "masked:4"}); !reflect.DeepEqual(got, want) {
		t.Errorf("of another type: got %+v, want %+v", got, want)
	}
	if got := LoggedResource(nil); !reflect.DeepEqual(got, Resource{}) {
		t.Errorf("of nothing: got %+v", got)
	}
}

// TestReadLogged takes over what Input writes, and nothing that differs from
// it in version, field or type.
func TestReadLogged(t *testing.T) {
	q := Question{
		Action: model.ActDataRead, Subject: Subject{ID: "prn_bo", Domain: "marketing", Teams: []string{"marketing/ads"}},
		Resource:   Resource{Type: "data_product", ID: "dpr_1", Domain: "sales", Findings: &FindingsFact{Codes: []string{"x"}}},
		Facts:      Facts{Grants: []GrantFact{{ID: "grt_1", Until: time.Now()}}, Impact: &ImpactFact{Touches: []model.Slug{"sales"}}},
		Properties: Properties{Resource: map[string]any{"anything": []any{1, nil}}},
	}
	raw := string(q.Input())
	l, err := ReadLogged([]byte(raw))
	if err != nil || l.About.Action != model.ActDataRead || l.About.Resource.Domain != "sales" || l.About.Subject.Domain != "marketing" {
		t.Fatalf("got %+v, %v", l.About, err)
	}
	if l.Input.Compare(q.Value()) != 0 {
		t.Errorf("got %v, want %v", l.Input, q.Value())
	}
	for name, change := range map[string][3]string{
		"no JSON":        {`"subject":`, `"subject:`, "input"},
		"another type":   {`"suspended":false`, `"suspended":"no"`, "input.subject.suspended"},
		"a fraction":     {`"ports":0`, `"ports":0.5`, "input.resource.ports"},
		"another field":  {`"suspended":false`, `"suspended":false,"god":true`, "input.subject.god"},
		"inside a list":  {`"marketing/ads"`, `7`, "input.subject.teams"},
		"no context":     {`"context":`, `"properties":`, ""},
		"no action":      {"data.read", "data.destroy", "input.action.name"},
		"a version":      {`"v":1`, `"v":99`, "input.v"},
		"a null":         {`"purpose":""`, `"purpose":null`, "input."},
		"a list instead": {`"tags":[]`, `"tags":{}`, "input.resource.tags"},
	} {
		other := strings.Replace(raw, change[0], change[1], 1)
		_, err := ReadLogged([]byte(other))
		if other == raw || err == nil || !strings.Contains(err.Error(), change[2]) {
			t.Errorf("%s: got %v, want an error at %s", name, err, change[2])
		}
	}
}
