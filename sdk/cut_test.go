package sdk_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/souk-mesh/souk/sdk"
)

func same(text string) string { return text }

// TestWhatIsLongIsCut, to whole letters, and once.
func TestWhatIsLongIsCut(t *testing.T) {
	long := strings.Repeat("é", 70<<10)
	a := book(1)
	a.Definition, a.Constraints = long, []sdk.Constraint{{Kind: sdk.Check, Expression: long}}
	a.Indexes = []sdk.Index{{Name: "i", Expression: long}}
	a.Fields = []sdk.Field{{Name: "few", Values: make([]string, 1000)}, {Name: "many", Values: make([]string, 1001)}}
	a.Runs = make([]sdk.JobRun, 30)
	a.Runs[0].Message = long
	n, cut := sdk.Cut(a, same)
	if !cut || n.Code != "host.cut" || n.Level != sdk.InfoLevel || n.Sample != a.ID.Name {
		t.Errorf("got %+v, %t", n, cut)
	}
	for what, text := range map[string]string{"definition": a.Definition, "check": a.Constraints[0].Expression, "index": a.Indexes[0].Expression} {
		if len(text) > 64<<10 || len(text) < 64<<10-4 || !strings.HasSuffix(text, "é\n…") || !utf8.ValidString(text) {
			t.Errorf("the %s has %d bytes and ends in %q", what, len(text), text[len(text)-10:])
		}
	}
	if m := a.Runs[0].Message; len(m) > 2<<10 || !strings.HasSuffix(m, "\n…") || len(a.Runs) != 25 {
		t.Errorf("%d runs, a message of %d bytes", len(a.Runs), len(m))
	}
	if len(a.Fields[0].Values) != 1000 || a.Fields[1].Values != nil {
		t.Errorf("%d and %d values", len(a.Fields[0].Values), len(a.Fields[1].Values))
	}
	if _, again := sdk.Cut(a, same); again {
		t.Error("what is cut is cut again")
	}
}

func TestEdgesAndTestsAreCut(t *testing.T) {
	e := &sdk.Edge{Fields: make([]sdk.FieldEdge, 10_001)}
	e.Fields[0].Transform = strings.Repeat("x", 3<<10)
	if _, cut := sdk.Cut(e, same); !cut || len(e.Fields) != 10_000 || len(e.Fields[0].Transform) > 2<<10 {
		t.Errorf("%d fields, %d bytes", len(e.Fields), len(e.Fields[0].Transform))
	}
	q := &sdk.Quality{Result: &sdk.Result{Message: strings.Repeat("x", 3<<10)}}
	if _, cut := sdk.Cut(q, same); !cut || len(q.Result.Message) > 2<<10 {
		t.Errorf("%d bytes", len(q.Result.Message))
	}
	if _, cut := sdk.Cut(book(1), same); cut {
		t.Error("a short record is cut")
	}
}

// TestNothingOfASecretIsLeftByACut: half of one would not be found again.
func TestNothingOfASecretIsLeftByACut(t *testing.T) {
	const secret = "canary-Pa55word"
	a := book(1)
	a.Definition = strings.Repeat("x", 64<<10-12) + secret + " and so on, at length"
	strike := func(text string) string { return strings.ReplaceAll(text, secret, "[secret]") }
	if _, cut := sdk.Cut(a, strike); !cut || strings.Contains(a.Definition, secret[:4]) {
		t.Errorf("it ends in %q", a.Definition[len(a.Definition)-20:])
	}
}
