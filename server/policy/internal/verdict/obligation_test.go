package verdict

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
)

// TestUniteObligations keeps the stricter of two duties about one thing.
func TestUniteObligations(t *testing.T) {
	mask := func(id, with string, mandatory bool) model.Obligation {
		return model.Obligation{ID: id, Type: model.ObligeMask, Mandatory: mandatory, Params: map[string]string{"field": "email", "with": with}}
	}
	got := uniteObligations([]model.Obligation{mask("a", "partial", true), mask("b", "null", false), mask("c", "hash", false)})
	if diff := cmp.Diff([]model.Obligation{mask("b", "null", true)}, got); diff != "" {
		t.Error(diff)
	}
	filter := func(value string) model.Obligation {
		return model.Obligation{ID: value, Type: model.ObligeRowFilter, Params: map[string]string{"field": "country", "op": "eq", "value": value}}
	}
	if got := uniteObligations([]model.Obligation{filter("SE"), filter("DE"), filter("SE")}); len(got) != 2 {
		t.Errorf("both filters must hold, got %v", got)
	}
}

// TestCheckObligation refuses whatever the server could not carry out.
func TestCheckObligation(t *testing.T) {
	for name, o := range map[string]model.Obligation{
		"unknown type":    {ID: "a", Type: "run"},
		"no field":        {ID: "a", Type: model.ObligeMask, Params: map[string]string{"with": "null"}},
		"unknown mask":    {ID: "a", Type: model.ObligeMask, Params: map[string]string{"field": "f", "with": "rot13"}},
		"unknown param":   {ID: "a", Type: model.ObligeNoExport, Params: map[string]string{"sql": "1=1"}},
		"unknown compare": {ID: "a", Type: model.ObligeRowFilter, Params: map[string]string{"field": "f", "op": "like", "value": "v"}},
		"no number":       {ID: "a", Type: model.ObligeTTLMax, Params: map[string]string{"duration_s": "soon"}},
		"no time":         {ID: "a", Type: model.ObligeTTLMax, Params: map[string]string{"duration_s": "0"}},
		"eternity":        {ID: "a", Type: model.ObligeTTLMax, Params: map[string]string{"duration_s": "9999999999999"}},
	} {
		if checkObligation(o) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
