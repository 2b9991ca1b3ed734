package policy_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
)

// TestNumbersAreExact holds that two numbers which no float tells apart are two
// numbers, to the rules and to the log, however they are written.
func TestNumbersAreExact(t *testing.T) {
	e := engine(t)
	var rules strings.Builder
	rules.WriteString(open)
	for _, account := range []string{"9007199254740993", "9007199254740992"} {
		rules.WriteString("\n" + strings.Replace(rule("deny", "account."+account, `input.action.name == "data.read"`, "input.properties.subject.account == "+account), "NAME", "sales", 1))
	}
	activate(t, e, "sales", rules.String())
	for _, c := range []struct{ sent, code string }{
		{"9007199254740993", "account.9007199254740993"},
		{"9007199254740992", "account.9007199254740992"},
		{"9007199254740991", ""},
		{"9007199254740993.0", "account.9007199254740993"},
	} {
		q := ask(ana, model.ActDataRead, orders)
		decoder := json.NewDecoder(bytes.NewReader([]byte(`{"account": ` + c.sent + `}`)))
		decoder.UseNumber()
		if err := decoder.Decode(&q.Properties.Subject); err != nil {
			t.Fatal(err)
		}
		d := e.Snapshot().Decide(t.Context(), q)
		got := ""
		if !d.Allowed() {
			got = d.Reasons[0].Code
		}
		if got != "sales."+c.code && got != c.code {
			t.Errorf("%s: got %s %v, want %s", c.sent, d.Outcome, d.Reasons, c.code)
		}
		if !strings.Contains(string(q.Input()), `"account":`+c.sent) {
			t.Errorf("the log has %s", q.Input())
		}
	}
}

// TestNumbersOutOfRangeRefuse holds that a question whose values the rules
// cannot be shown is refused: a denial by such a value would not fire.
func TestNumbersOutOfRangeRefuse(t *testing.T) {
	e := engine(t)
	activate(t, e, "sales", open+"\n"+rule("deny", "big", `input.action.name == "data.read"`, "input.properties.subject.account > 5"))
	for sent, code := range map[string]string{"1": "", "6": "big", "1e400": "big", "1e999999999": "engine.invalid_input", "-1e999999999": "engine.invalid_input"} {
		q := ask(ana, model.ActDataRead, orders)
		q.Properties.Subject = map[string]any{"account": json.Number(sent)}
		d := e.Snapshot().Decide(t.Context(), q)
		if d.Allowed() != (code == "") || code != "" && d.Reasons[0].Code != code {
			t.Errorf("%s: got %s %v, want %q", sent, d.Outcome, d.Reasons, code)
		}
	}
}
