package store

import (
	"slices"
	"strings"
)

var schemas = func() map[Kind]Schema {
	byKind := map[Kind]Schema{}
	for _, s := range Schemas() {
		byKind[s.Kind] = s
	}
	return byKind
}()

// SchemaOf gives the declaration of a kind.
func SchemaOf(kind Kind) (Schema, bool) {
	s, ok := schemas[kind]
	return s, ok
}

// Index gives the declared index of the name.
func (s Schema) Index(name string) (Index, bool) {
	i := slices.IndexFunc(s.Indexes, func(x Index) bool { return x.Name == name })
	if i < 0 {
		return Index{}, false
	}
	return s.Indexes[i], true
}

// Multi reports whether the path may hold many values.
func (s Schema) Multi(p Path) bool {
	return slices.ContainsFunc(s.Indexes, func(x Index) bool { return x.Multi && x.Paths[0] == p })
}

// withID gives the schema as an Only sees it.
func (s Schema) withID() Schema {
	s.Paths = append(slices.Clone(s.Paths), PathID)
	return s
}

func (s Schema) indexNames() string {
	names := make([]string, len(s.Indexes))
	for i, x := range s.Indexes {
		names[i] = x.Name
	}
	return strings.Join(names, ", ")
}
