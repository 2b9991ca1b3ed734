package policy_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
)

// TestFieldsAreThoseOfTheInput finds each field of an input that was written among
// those that are named, and reads the resource back out of it.
func TestFieldsAreThoseOfTheInput(t *testing.T) {
	written := ask(ana, model.ActDataRead, orders).Input()
	var input map[string]json.RawMessage
	if err := json.Unmarshal(written, &input); err != nil {
		t.Fatal(err)
	}
	for part, named := range map[string][]string{"subject": policy.SubjectFields(), "resource": policy.ResourceFields()} {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(input[part], &fields); err != nil {
			t.Fatal(err)
		}
		for field := range fields {
			if !slices.Contains(named, field) {
				t.Errorf("%s.%s is written, and not named among %q", part, field, named)
			}
		}
	}
	for _, path := range policy.OpenFields() {
		part, field, _ := strings.Cut(path, ".")
		if part == "subject" && !slices.Contains(policy.SubjectFields(), field) || part == "resource" && !slices.Contains(policy.ResourceFields(), field) {
			t.Errorf("%s is open, and there is none", path)
		}
	}
	if diff := cmp.Diff(orders, policy.LoggedResource(written)); diff != "" || len(policy.OpenFields()) == 0 {
		t.Errorf("the resource (-written +read):\n%s", diff)
	}
	if got := policy.LoggedResource(nil); !cmp.Equal(got, policy.Resource{}) {
		t.Errorf("got %+v of an input that is gone", got)
	}
}
