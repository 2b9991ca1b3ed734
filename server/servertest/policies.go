package servertest

import (
	"io/fs"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/souk-mesh/souk/policies"
	"github.com/souk-mesh/souk/server/policy"
)

var shipped = sync.OnceValues(func() (*policy.Engine, error) { return policy.New(policy.Config{Files: policies.Files}) })

// Shipped is the engine with the policies that Souk ships, compiled once. Whoever
// activates other rules needs an engine of their own, as Own and Under give it.
func Shipped(tb testing.TB) *policy.Engine {
	tb.Helper()
	e, err := shipped()
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// Own is an engine of the test's own with the policies that Souk ships.
func Own(tb testing.TB) *policy.Engine {
	tb.Helper()
	return Under(tb, nil)
}

// Under is an engine of the test's own: the shipped policies, and further files by
// their paths. Only packages that the files add to are compiled for it.
func Under(tb testing.TB, files map[string]string) *policy.Engine {
	tb.Helper()
	tree := fstest.MapFS{}
	err := fs.WalkDir(policies.Files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(policies.Files, path)
		tree[path] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	for path, text := range files {
		tree[path] = &fstest.MapFile{Data: []byte(text)}
	}
	e, err := policy.New(policy.Config{Files: tree, Known: Shipped(tb)})
	if err != nil {
		tb.Fatal(err)
	}
	return e
}
