package policy_test

import (
	"io/fs"
	"os"
	"sync"
	"testing"

	"github.com/souk-mesh/souk/policies"
	"github.com/souk-mesh/souk/server/policy"
	_ "github.com/souk-mesh/souk/server/servertest/heaptest"
)

// childArgument makes this test binary the process that tries drafts.
const childArgument = "policy-child"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == childArgument {
		os.Exit(policy.ServeChild(os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}

var compiled = sync.OnceValues(func() (*policy.Engine, error) { return policy.New(policy.Config{Files: policies.Files}) })

// engine is a new one with the policies that Souk ships, which are compiled once
// for all tests.
func engine(tb testing.TB) *policy.Engine {
	tb.Helper()
	return engineOf(tb, policies.Files)
}

// engineOf is a new engine with the policies of the folder.
func engineOf(tb testing.TB, files fs.FS) *policy.Engine {
	tb.Helper()
	e, err := newEngine(policy.Config{Files: files})
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// newEngine compiles what differs from what Souk ships.
func newEngine(cfg policy.Config) (*policy.Engine, error) {
	known, err := compiled()
	if err != nil {
		return nil, err
	}
	cfg.Known = known
	return policy.New(cfg)
}

// careful is an engine that tries drafts in a process of their own.
func careful(tb testing.TB) *policy.Engine {
	tb.Helper()
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	e, err := newEngine(policy.Config{Files: policies.Files, Child: []string{self, childArgument}})
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// shipped reads a folder of the policies that Souk ships.
func shipped(tb testing.TB, folder string) map[string]string {
	tb.Helper()
	names, err := fs.Glob(policies.Files, folder+"/*.rego")
	if err != nil {
		tb.Fatal(err)
	}
	texts := map[string]string{}
	for _, name := range names {
		text, err := fs.ReadFile(policies.Files, name)
		if err != nil {
			tb.Fatal(err)
		}
		texts[name] = string(text)
	}
	return texts
}
