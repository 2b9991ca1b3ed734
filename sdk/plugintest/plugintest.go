// Package plugintest is the suite that every plugin passes. It owns the rules
// that a plugin keeps towards its host: the same records in process and over
// the real pipe, twice and after a kill, and never a secret. It refuses to know
// any source system; a fixture brings one.
package plugintest

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

var update = flag.Bool("update", false, "write the golden records anew") // a flag of the test binary

// Fixture is what a plugin's author gives to the suite.
type Fixture struct {
	Config  json.RawMessage   // of a source that is reachable and does not change
	Secrets map[string]string // by dotted path; each is also a canary, so at least 8 characters that stand nowhere else

	Folders []string // below which the plugin may open files; every folder when empty

	BadConfigs []BadConfig // at least one

	Golden  string            // the file of the expected records
	Replace map[string]string // what differs from run to run, such as a database's random name, by its stand-in

	Kills int // how many times the harvest is killed and taken up again: 5

	Skip map[string]string // a case by its name, with the reason
}

// BadConfig is a configuration that must be refused.
type BadConfig struct {
	Name    string
	Config  json.RawMessage
	Secrets map[string]string
	Class   sdk.Class // of the error
	Field   string    // at fault, for sdk.ClassConfig
}

// Main is the TestMain of a plugin's tests. It lets the test's own binary be
// launched as the plugin, so that the suite can talk to it over the pipe.
func Main(m *testing.M, plugins ...sdk.Registration) {
	if os.Getenv(harvestv1.CookieKey) == harvestv1.CookieValue {
		sdk.Main(plugins...)
	}
	os.Exit(m.Run())
}

// Run holds the plugin to every rule. A case that is skipped says why.
func Run(t *testing.T, plugin sdk.Registration, f Fixture) {
	t.Helper()
	if os.Getenv(harvestv1.CookieKey) != "" {
		t.Fatal("this binary was launched as a plugin and runs its tests instead: call plugintest.Main from TestMain")
	}
	for _, v := range Judge(t.Context(), plugin, f) {
		t.Run(v.Case, func(t *testing.T) {
			if v.Skipped != "" {
				t.Skip(v.Skipped)
			}
			for _, p := range v.Problems {
				t.Error(p)
			}
		})
	}
}

// Verdict is how a plugin did in one case.
type Verdict struct {
	Case     string
	Skipped  string // why
	Problems []string
}

// Judge runs every case, in order.
func Judge(ctx context.Context, plugin sdk.Registration, f Fixture) []Verdict {
	if len(f.Folders) == 0 {
		f.Folders = []string{"/"}
	}
	s := &suite{ctx: ctx, plugin: plugin, spec: host.Self(plugin.Info().Name), fixture: f}
	s.spec.Folders = f.Folders
	known := map[string]bool{}
	var verdicts []Verdict
	for _, c := range s.cases() {
		known[c.name] = true
		v := Verdict{Case: c.name, Skipped: f.Skip[c.name]}
		if v.Skipped == "" {
			s.problems = nil
			c.judge()
			v.Problems = s.problems
		}
		verdicts = append(verdicts, v)
	}
	s.problems = nil
	for name, reason := range f.Skip {
		if !known[name] {
			s.problem("the fixture skips the case %q, which does not exist", name)
		}
		if reason == "" {
			s.problem("the fixture skips the case %q without a reason", name)
		}
	}
	return append(verdicts, Verdict{Case: "skips", Problems: s.problems})
}

type suiteCase struct {
	name  string
	judge func()
}

func (s *suite) cases() []suiteCase {
	return []suiteCase{
		{"describe", s.describe},
		{"schema", s.schema},
		{"check", s.check},
		{"bad_config", s.badConfigs},
		{"records", s.records},
		{"golden", s.golden},
		{"determinism", s.determinism},
		{"pipe", s.pipe},
		{"cancel", s.cancel},
		{"kill", s.kill},
		{"secrets", s.secrets},
	}
}
