// Package storetest is the suite that both engines of the store pass, whole
// and without exceptions. It owns what the port promises, as cases; it knows
// no engine.
package storetest

import (
	"slices"
	"testing"

	"github.com/souk-mesh/souk/server/store"
)

// Open gives a test an empty store, and closes it when the test ends.
type Open = func(t *testing.T) store.Store

type testCase struct {
	name string
	run  func(t *testing.T, s store.Store)
}

// Run holds an engine to everything that the port promises.
func Run(t *testing.T, open Open) {
	t.Helper()
	for _, c := range slices.Concat(readCases, queryCases, onlyCases, pageCases, refusalCases, writeCases, premiseCases, eventCases, concurrentCases) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t, open(t))
		})
	}
}
