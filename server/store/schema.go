package store

import (
	"fmt"
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

// Declared is a line that tells one declaration of the table from another, as
// far as the keys of its records depend on it.
func (s Schema) Declared() string {
	var words []string
	for _, p := range s.Paths {
		word := string(p)
		if s.Multi(p) {
			word += "*"
		}
		words = append(words, word)
	}
	for _, x := range s.Indexes {
		if x.Unique {
			words = append(words, "unique:"+x.Name)
		}
	}
	return strings.Join(words, " ")
}

// KeysIn extracts the keys of a stored record from its document, as they are
// declared now.
func (s Schema) KeysIn(r Record) (Keys, error) {
	keys, err := s.Extract(r.Doc)
	if err == nil {
		keys, err = s.Canonical(keys)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", r.ID, err)
	}
	return keys, nil
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
