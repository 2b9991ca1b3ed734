package conformance

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// most lines of a difference that a report shows.
const maxDifference = 20

// difference tells which lines are missing and which are too many, whatever
// their order, or "".
func difference(want, got []string) string {
	count := map[string]int{}
	for _, line := range want {
		count[line]--
	}
	for _, line := range got {
		count[line]++
	}
	var out []string
	for _, line := range slices.Sorted(maps.Keys(count)) {
		switch n := count[line]; {
		case n < 0:
			out = append(out, "  - "+cut(line))
		case n > 0:
			out = append(out, "  + "+cut(line))
		}
	}
	if len(out) > maxDifference {
		out = append(out[:maxDifference], fmt.Sprintf("  and %d more", len(out)-maxDifference))
	}
	return strings.Join(out, "\n")
}

func cut(line string) string {
	const most = 2000
	if len(line) > most {
		return strings.ToValidUTF8(line[:most], "") + " ..."
	}
	return line
}

// linesOf are the lines of records, in order.
func linesOf(records map[string]string) []string {
	return slices.Sorted(maps.Values(records))
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
