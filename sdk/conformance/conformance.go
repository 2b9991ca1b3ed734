// Package conformance is the suite that every plugin passes, in whatever
// language it is written. It owns the rules that a plugin keeps towards its host:
// the same records twice, in process, over the real pipe and after a kill, at any
// size and under any fault of its source, and never a secret. It refuses to know
// any source system; a fixture brings one.
package conformance

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
)

// Version is that of the rules. A badge names the one that its plugin passed.
const Version = "1"

// Fixture is what a plugin's author gives to the suite.
type Fixture struct {
	Config  json.RawMessage   // of a source that is reachable and does not change
	Secrets map[string]string // by dotted path; each is also a canary, so at least 8 characters that stand nowhere else

	Folders []string // below which the plugin may open files; every folder when empty

	BadConfigs []BadConfig // at least one

	Golden  string            // the file of the expected records
	Replace map[string]string // what differs from run to run, such as a database's random name, by its stand-in
	Update  bool              // write the golden file instead of comparing it

	Kills int // how many times the harvest is killed and taken up again: 20

	Previous  *host.Description // what the last release said of itself
	Mutations []Mutation        // changes of the source
	Scale     *Scale            // sources of any size
	Wide      json.RawMessage   // the configuration of a source that has an object with more than 5,000 fields
	Grants    *Grants           // what a plugin that offers grants is tried with
	Address   string            // the field, by its dotted path, at whose address the source answers over HTTP; the first one by name when empty

	Skip map[string]string // a case by its name, with the reason
	Only []string          // the cases to judge, while one is worked on; all when empty
}

// BadConfig is a configuration that must be refused.
type BadConfig struct {
	Name    string
	Config  json.RawMessage
	Secrets map[string]string
	Class   sdk.Class // of the error
	Field   string    // at fault, for sdk.ClassConfig
}

// Mutation is a change of the fixture's source, and exactly what a harvest finds
// otherwise after it. Records are named as the suite names them: "asset NAMESPACE
// NAME", "edge FROM -> TO KIND", "test NAMESPACE NAME KEY".
type Mutation struct {
	Name       string
	Do, Undo   func(context.Context) error
	Added      []string
	Removed    []string
	Changed    []string
	Incomplete []string // scopes that are no longer done
}

// Scale makes sources of any size.
type Scale struct {
	// Config gives the configuration of a source of n assets, with its secrets.
	Config func(ctx context.Context, n int) (json.RawMessage, map[string]string, error)

	Few, Many int // how many are compared: 1,000 and 20,000
	Most      int // what a source of its kind bears, whatever is asked for; any number when 0

	// Growth is how many times as much processor time an asset may cost where
	// there are many: 2. More is for a source whose own library costs more, which
	// the plugin's page then says.
	Growth int
}

// Verdict is how a plugin did in one case.
type Verdict struct {
	Case     string   `json:"case"`
	Skipped  string   `json:"skipped,omitempty"` // why
	Problems []string `json:"problems,omitempty"`
	Measured string   `json:"-"` // figures of this machine
}

// Judge runs every case against a plugin of this process, in order. The binary
// must serve the same plugin when it is launched again.
func Judge(ctx context.Context, plugin sdk.Registration, f Fixture) []Verdict {
	s := newSuite(ctx, host.Self(plugin.Info().Name), f)
	s.ways = []way{&inside{suite: s, plugin: plugin}, &outside{suite: s}}
	return s.judge()
}

func newSuite(ctx context.Context, spec host.Spec, f Fixture) *suite {
	if len(f.Folders) == 0 {
		f.Folders = []string{"/"}
	}
	if f.Kills == 0 {
		f.Kills = 20
	}
	spec.Folders = f.Folders
	return &suite{ctx: ctx, spec: spec, fixture: f}
}

func (s *suite) judge() []Verdict {
	known := map[string]bool{}
	var verdicts []Verdict
	for _, c := range s.cases() {
		known[c.name] = true
		if len(s.fixture.Only) > 0 && !slices.Contains(s.fixture.Only, c.name) {
			continue
		}
		s.problems, s.skipped, s.measured = nil, s.fixture.Skip[c.name], ""
		if s.skipped == "" {
			c.judge()
		}
		verdicts = append(verdicts, Verdict{Case: c.name, Skipped: s.skipped, Problems: s.problems, Measured: s.measured})
	}
	s.problems = nil
	for name, reason := range s.fixture.Skip {
		if !known[name] {
			s.problem("the fixture skips the case %q, which does not exist", name)
		}
		if reason == "" {
			s.problem("the fixture skips the case %q without a reason", name)
		}
	}
	for _, name := range s.fixture.Only {
		if !known[name] {
			s.problem("there is no case %q", name)
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
		{"compatible", s.compatible},
		{"check", s.check},
		{"bad_config", s.badConfigs},
		{"records", s.records},
		{"golden", s.golden},
		{"determinism", s.determinism},
		{"pipe", s.pipe},
		{"cancel", s.cancel},
		{"kill", s.kill},
		{"mutate", s.mutate},
		{"changes", s.changes},
		{"slow_sink", s.slowSink},
		{"http_faults", s.httpFaults},
		{"limits", s.limits},
		{"scale", s.scale},
		{"logs", s.logs},
		{"grants", s.grants},
		{"handshake", s.handshake},
		{"secrets", s.secrets},
	}
}
