package gate

import (
	"slices"

	"github.com/souk-mesh/souk/server/store"
)

func isAlways(f store.Filter) bool {
	return f.Op == "" || (f.Op == store.OpAnd && len(f.Filters) == 0)
}

func isNever(f store.Filter) bool { return f.Op == store.OpOr && len(f.Filters) == 0 }

func invert(f store.Filter) store.Filter {
	switch {
	case isAlways(f):
		return store.Or()
	case isNever(f):
		return store.And()
	}
	return store.Not(f)
}

func and(parts ...store.Filter) store.Filter {
	if slices.ContainsFunc(parts, isNever) {
		return store.Or()
	}
	if parts = slices.DeleteFunc(parts, isAlways); len(parts) == 1 {
		return parts[0]
	}
	return store.And(parts...)
}

// or is an Or of any length: a tree of Ors that the store takes.
func or(parts []store.Filter) store.Filter {
	if slices.ContainsFunc(parts, isAlways) {
		return store.And()
	}
	parts = slices.DeleteFunc(parts, isNever)
	for len(parts) > store.MaxOr {
		var fewer []store.Filter
		for part := range slices.Chunk(parts, store.MaxOr) {
			fewer = append(fewer, store.Or(part...))
		}
		parts = fewer
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return store.Or(parts...)
}
