package model_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
)

func TestText(t *testing.T) {
	line, prose := model.Text{Field: "purpose", Least: 3, Most: 10}, model.Text{Field: "purpose", Most: 10, Prose: true}
	for name, c := range map[string]struct {
		bounds model.Text
		text   string
		fits   bool
	}{
		"enough":                {line, "abc", true},
		"characters, not bytes": {line, strings.Repeat("ж", 10), true},
		"wide characters":       {line, strings.Repeat("😀", 10), true},
		"too long":              {line, strings.Repeat("a", 11), false},
		"a megabyte":            {line, strings.Repeat("a", 1<<20), false},
		"empty":                 {line, "", false},
		"blank":                 {line, "     ", false},
		"short between blanks":  {line, "  ab  ", false},
		"broken":                {line, "abc\xff", false},
		"line break":            {line, "ab\ncd", false},
		"nothing at all":        {prose, "", true},
		"lines":                 {prose, "a\n\tb", true},
		"carriage return":       {prose, "a\r\nb", false},
		"nul":                   {prose, "a\x00b", false},
		"second control block":  {prose, "a\u0085b", false},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.bounds.Check(c.text)
			if (err == nil) != c.fits {
				t.Fatalf("got %v, want fits: %v", err, c.fits)
			}
			if err != nil && (!model.Is(err, model.KindInvalid) || !strings.HasPrefix(err.Error(), "purpose: ") || len(err.Error()) > 200) {
				t.Errorf("got %v, want a short error that names the field", err)
			}
		})
	}
}

// A vote counts for the approval of its own domain alone.
func TestMissing(t *testing.T) {
	r := model.AccessRequest{Status: model.RequestPending, Approvals: []model.Approval{
		{Role: "domain_steward", Domain: "sales", Min: 1}, {Role: "domain_steward", Domain: "legal", Min: 1},
	}}
	vote := model.Vote{ApproverID: "prn_a", Role: "domain_steward", Domain: "sales", Approve: true}
	if err := r.Cast(vote); err != nil {
		t.Fatal(err)
	}
	if missing := r.Missing(); len(missing) != 1 || missing[0].Domain != "legal" {
		t.Errorf("got %v missing, want the approval of legal", missing)
	}
	if err := r.Cast(vote); !model.Is(err, model.KindConflict) {
		t.Errorf("a second vote: got %v, want a conflict", err)
	}
	vote.Domain = "legal"
	if err := r.Cast(vote); err != nil || len(r.Missing()) != 1 {
		t.Errorf("got %v and %v missing, want one: two wanted votes are two people's", err, r.Missing())
	}
	vote.ApproverID = "prn_b"
	if err := r.Cast(vote); err != nil || len(r.Missing()) != 0 {
		t.Errorf("got %v and %v missing, want none", err, r.Missing())
	}
}

func TestNotFoundEchoesNoNovel(t *testing.T) {
	if got := model.NotFound("asset", model.ID(strings.Repeat("x", 1<<20))).Error(); len(got) > 100 {
		t.Errorf("the error is %d bytes long", len(got))
	}
}

func TestTextRefusesWhatIsNotSeen(t *testing.T) {
	for _, r := range []rune{'\u200b', '\u2060', '\ufeff', '\u00ad', '\u202a', '\u202e', '\u2066', '\u2069', '\u3164', '\u2028', '\U000e0041'} {
		for _, prose := range []bool{false, true} {
			err := model.Text{Field: "input.description", Most: 100, Prose: prose}.Check("pass" + string(r) + "word")
			if !model.Is(err, model.KindInvalid) || !strings.Contains(err.Error(), fmt.Sprintf("%U", r)) || !strings.HasPrefix(err.Error(), "input.description: ") {
				t.Errorf("%U, prose %v: %v", r, prose, err)
			}
		}
	}
	for _, s := range []string{"میخواهم", "👩\u200d💻 team", "שלום\u200f!"} {
		if err := (model.Text{Most: 100, Prose: true}).Check(s); err != nil {
			t.Errorf("%q in prose: %v", s, err)
		}
	}
	for _, s := range []string{"Größe", "日本語", "naïve e\u0301", "\u06dd"} {
		if err := (model.Text{Most: 100}).Check(s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
	if err := (model.Text{Most: 100}).Check("ana\u200d"); err == nil {
		t.Error("a joiner passes in a name")
	}
}
