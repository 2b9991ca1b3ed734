package store

import (
	"fmt"
	"slices"
	"strings"
)

// Match reports whether the filter, made canonical by a plan, holds for a
// record whose values values gives. Both engines judge residual filters by it.
func Match(f Filter, values func(Path) []Value) bool {
	switch f.Op {
	case OpAnd:
		return !slices.ContainsFunc(f.Filters, func(g Filter) bool { return !Match(g, values) })
	case OpOr:
		return slices.ContainsFunc(f.Filters, func(g Filter) bool { return Match(g, values) })
	case OpNot:
		return !Match(f.Filters[0], values)
	case "":
		return true
	default:
		return f.any(values(f.Path))
	}
}

// any reports whether one of the values meets the comparison; none at all is null.
func (f Filter) any(values []Value) bool {
	if len(values) == 0 {
		return f.holds(nil)
	}
	return slices.ContainsFunc(values, f.holds)
}

func (f Filter) holds(v Value) bool {
	switch f.Op {
	case OpEq:
		return v == f.Value
	case OpIn:
		return slices.Contains(f.Values, v)
	case OpRange:
		return v != nil && (f.From == nil || Compare(v, f.From) >= 0) && (f.To == nil || Compare(v, f.To) < 0)
	case OpPrefix:
		s, ok := v.(string)
		prefix, _ := f.Value.(string)
		return ok && strings.HasPrefix(s, prefix)
	default: // exists
		return v != nil
	}
}

// Paths lists the paths that the filter speaks of, each once.
func (f Filter) Paths() []Path {
	var paths []Path
	if f.Path != "" {
		paths = append(paths, f.Path)
	}
	for _, g := range f.Filters {
		paths = append(paths, g.Paths()...)
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// canonical checks the filter against the schema and gives it with canonical
// values; the values of an In come sorted and each once.
func (s Schema) canonical(f Filter) (Filter, error) {
	switch f.Op {
	case "":
		return Filter{}, nil
	case OpAnd, OpOr, OpNot:
		return s.canonicalGroup(f)
	case OpEq, OpIn, OpRange, OpPrefix, OpExists:
		return s.canonicalComparison(f)
	default:
		return f, fmt.Errorf("no operator %q: use the functions Eq, In, Between, HasPrefix, Exists, And, Or and Not", f.Op)
	}
}

func (s Schema) canonicalGroup(f Filter) (Filter, error) {
	if f.Op == OpOr && len(f.Filters) > MaxOr {
		return f, fmt.Errorf("an Or has %d branches and may have %d: use In, or ask more than once", len(f.Filters), MaxOr)
	}
	if f.Op == OpNot && len(f.Filters) != 1 {
		return f, fmt.Errorf("a Not holds one filter, and this one %d", len(f.Filters))
	}
	group := Filter{Op: f.Op, Filters: make([]Filter, len(f.Filters))}
	for i, g := range f.Filters {
		var err error
		if group.Filters[i], err = s.canonical(g); err != nil {
			return f, err
		}
	}
	return group, nil
}

func (s Schema) canonicalComparison(f Filter) (Filter, error) {
	if !slices.Contains(s.Paths, f.Path) {
		return f, fmt.Errorf("%s has no path %q: use one of %s", s.Kind, f.Path, join(s.Paths))
	}
	if len(f.Values) > MaxIn {
		return f, fmt.Errorf("an In has %d values and may have %d: ask in parts", len(f.Values), MaxIn)
	}
	single, err := canonicalList([]Value{f.Value, f.From, f.To})
	if err != nil {
		return f, err
	}
	values, err := canonicalList(f.Values)
	if err != nil {
		return f, err
	}
	slices.SortFunc(values, Compare)
	return Filter{Op: f.Op, Path: f.Path, Value: single[0], Values: slices.Compact(values), From: single[1], To: single[2]}, nil
}

func join(paths []Path) string {
	words := make([]string, len(paths))
	for i, p := range paths {
		words[i] = string(p)
	}
	return strings.Join(words, ", ")
}
