package policy_test

import (
	"slices"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
)

const named = `package souk.domains.NAME

import rego.v2

allow contains {"code": "read.named", "message": "Named."} if {
	_named
	input.subject.region == "EU-DE"
}

_named if input.subject.name == "ana"
`

// TestReads names what rules read, also through helpers, and nothing that
// only another domain reads.
func TestReads(t *testing.T) {
	e := engine(t)
	activate(t, e, "sales", named)
	for domain, want := range map[model.Slug]bool{"sales": true, "operations": false} {
		paths, ok := e.Snapshot().Reads(domain)
		if !ok {
			t.Fatalf("%s: the engine cannot tell", domain)
		}
		for _, path := range []string{"subject.name", "subject.region"} {
			if got := slices.Contains(paths, path); got != want {
				t.Errorf("%s reads %s: got %t, want %t", domain, path, got, want)
			}
		}
		if !slices.Contains(paths, "subject.suspended") {
			t.Errorf("%s: what the platform reads is missing from %q", domain, paths)
		}
	}
}
