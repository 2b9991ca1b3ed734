// Package plugintest runs the suite that every plugin passes as a test in Go.
// It owns the way from a test's binary to the plugin that it launches; the rules
// themselves are those of package conformance, by which the command `souk plugin
// test` judges a program in any language. It refuses to know any source system;
// a fixture brings one.
package plugintest

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/conformance"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// Flags of the test binary.
var (
	update = flag.Bool("update", false, "write the golden records anew")
	kills  = flag.Int("kills", 0, "how often a harvest is killed and taken up again; as the fixture says, or 20, when 0")
	many   = flag.Int("scale", 0, "how many assets a large source has, if its kind bears it; as the fixture says, or 20,000, when 0")
	only   = flag.String("only", "", "the cases to judge, commas between them; all when empty")
)

// What an author gives and what comes out, as package conformance has it.
type (
	Fixture   = conformance.Fixture
	BadConfig = conformance.BadConfig
	Mutation  = conformance.Mutation
	Scale     = conformance.Scale
	Grants    = conformance.Grants
	Verdict   = conformance.Verdict
)

// ordinary is how many assets a large source has where the flag -scale asks for no
// more: enough to show what grows with the square, and made in a second.
const ordinary = 3_000

// Sized makes a Scale of what makes a source of n assets and gives its
// configuration. It is asked for each size once; the secrets of all are the same.
func Sized(secrets map[string]string, source func(n int) json.RawMessage) *Scale {
	made := map[int]json.RawMessage{}
	return &Scale{Many: ordinary, Config: func(_ context.Context, n int) (json.RawMessage, map[string]string, error) {
		if made[n] == nil {
			made[n] = source(n)
		}
		return made[n], secrets, nil
	}}
}

// Main is the TestMain of a plugin's tests. It lets the test's own binary be
// launched as the plugin, so that the suite can talk to it over the pipe.
func Main(m *testing.M, plugins ...sdk.Registration) {
	if os.Getenv(harvestv1.CookieKey) == harvestv1.CookieValue || len(os.Args) > 1 && os.Args[1] == harvestv1.ServeArgument {
		sdk.Main(plugins...)
	}
	os.Exit(m.Run())
}

// Run holds the plugin to every rule. A case that the fixture skips is skipped
// in the test too; one that has nothing to judge says so in the log.
func Run(t *testing.T, plugin sdk.Registration, f Fixture) {
	t.Helper()
	if os.Getenv(harvestv1.CookieKey) != "" {
		t.Fatal("this binary was launched as a plugin and runs its tests instead: call plugintest.Main from TestMain")
	}
	for _, v := range Judge(t.Context(), plugin, f) {
		t.Run(v.Case, func(t *testing.T) {
			switch {
			case f.Skip[v.Case] != "":
				t.Skip(v.Skipped)
			case v.Skipped != "":
				t.Log("not judged: " + v.Skipped)
			case v.Measured != "":
				t.Log(v.Measured)
			}
			for _, p := range v.Problems {
				t.Error(p)
			}
		})
	}
}

// Judge runs every case, in order.
func Judge(ctx context.Context, plugin sdk.Registration, f Fixture) []Verdict {
	f.Update, f.Kills = f.Update || *update, cmp.Or(*kills, f.Kills)
	if *only != "" {
		f.Only = strings.Split(*only, ",")
	}
	if f.Scale != nil && *many > 0 {
		larger := *f.Scale
		larger.Many, f.Scale = *many, &larger
	}
	return conformance.Judge(ctx, plugin, f)
}
