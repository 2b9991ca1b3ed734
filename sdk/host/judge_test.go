package host_test

import (
	"errors"
	"testing"

	"github.com/souk-mesh/souk/sdk/host"
)

// TestJudge: what the plugin has against a configuration names the field, and
// one that was built before it was asked has nothing against any.
func TestJudge(t *testing.T) {
	b := newBench(t)
	for name, want := range map[string]string{"good": "count", "seq gap": ""} {
		p, failure := b.launch(host.Self(name), host.Limits{})
		if failure != nil {
			t.Fatal(failure)
		}
		err := p.Judge(t.Context(), []byte(`{"count": 13}`))
		if f, _ := errors.AsType[*host.Failure](err); (want == "") != (err == nil) || f != nil && (f.Field != want || f.Fault != host.FaultConfig || f.Fix == "") {
			t.Errorf("%s: got %+v", name, err)
		}
	}
}
