// Package startup keeps the beginning of a process cheap. Before main the linked
// libraries fill their tables with some ten megabytes that stay, and Go's collector,
// which begins at four, would go over them three times: a third of the processor time
// of a short command. The package imports next to nothing, so that it is
// initialised before those that are dear.
package startup

import (
	"os"
	"runtime/debug"
)

// What the collector lets the heap grow by, in percent of what lives: while the
// program starts, and afterwards, which is Go's own default.
const (
	starting = 400
	usual    = 100
)

func init() { collectAt(starting) }

// Over is for a process that goes on, or may hold much: from now on its heap grows
// as that of any Go program. A command that ends at once need not call it.
func Over() { collectAt(usual) }

// collectAt leaves it to the operator who has set GOGC.
func collectAt(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}
