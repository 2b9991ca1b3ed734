// Package heaptest, which tests import for what its init does, lets the heap of a
// test's process grow five times before it is collected, not twice. Tests make
// worlds and throw them away: Go's collector took a third of their processor time.
package heaptest

import (
	"os"
	"runtime/debug"
	"slices"
	"strings"
)

// Benchmarks measure what the program does, and GOGC is for who says otherwise.
func init() {
	measures := slices.ContainsFunc(os.Args, func(arg string) bool { return strings.HasPrefix(arg, "-test.bench") })
	if !measures && os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
}
