package model_test

import (
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
)

func TestNearest(t *testing.T) {
	roles := []model.Role{model.RoleEmployee, model.RoleAdmin, model.RolePEP}
	domains := []string{"sales", "marketing", "operations", "sale"}
	kinds := []string{"TABLE", "VIEW", "MATERIALIZED_VIEW"}
	for _, c := range []struct {
		word  string
		words []string
		want  string
	}{
		{"salez", domains, "sale"}, // one letter from both: the alphabet decides
		{"saels", domains, "sales"},
		{"Sales", domains, "sales"},
		{"markting", domains, "marketing"},
		{"oprations", domains, "operations"},
		{"table", kinds, "TABLE"},
		{"materialised_view", kinds, "MATERIALIZED_VIEW"},
		{"ceo", domains, ""},
		{"", domains, ""},
		{"x", nil, ""},
		{strings.Repeat("a", 1<<20), domains, ""},
		{"größen", []string{"größe"}, "größe"},
	} {
		if got := model.Nearest(c.word, c.words); got != c.want {
			t.Errorf("Nearest(%.20q) = %q, want %q", c.word, got, c.want)
		}
	}
	if got := model.Nearest("admin", roles); got != model.RoleAdmin {
		t.Errorf("the nearest role is %q", got)
	}
}

func TestDidYouMean(t *testing.T) {
	words := []string{"allow", "deny", "passthrough"}
	for word, want := range map[string]string{
		"alow": "did you mean allow?",
		"open": "use allow, deny or passthrough",
	} {
		if got := model.DidYouMean(word, words); got != want {
			t.Errorf("DidYouMean(%q) = %q, want %q", word, got, want)
		}
	}
	if got := model.DidYouMean("x", []string{}); got != "" {
		t.Errorf("of no words: %q", got)
	}
	if got := model.DidYouMean("x", make([]string, 41)); got != "" {
		t.Errorf("of many words: %q", got)
	}
}
