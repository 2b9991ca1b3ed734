package exact

import (
	"encoding/json"
	"reflect"
	"strings"
)

// node is what is known of one place in a text. Nil is a place where anything
// may stand.
type node struct {
	members map[string]*node // of an object that has just these
	names   []string         // of the members
	each    *node            // of a list's items, or of the members of an object with any
	later   bool             // whoever reads the raw text finds its faults, with a shape of its own
}

// nodeOf follows a type as encoding/json does. A type that reads itself is its
// own business.
func nodeOf(t reflect.Type) *node {
	if t == reflect.TypeFor[json.RawMessage]() {
		return &node{later: true}
	}
	if reads(t) {
		return nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return nodeOf(t.Elem())
	case reflect.Slice, reflect.Array, reflect.Map:
		if each := nodeOf(t.Elem()); each != nil {
			return &node{each: each}
		}
	case reflect.Struct:
		n := &node{members: map[string]*node{}}
		n.add(t)
		return n
	default:
	}
	return nil
}

// add takes the members of a struct, those of embedded ones among them.
func (n *node) add(t reflect.Type) {
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-":
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			n.add(f.Type)
		case f.IsExported():
			if name == "" {
				name = f.Name
			}
			n.members[name] = nodeOf(f.Type)
			n.names = append(n.names, name)
		}
	}
}

func reads(t reflect.Type) bool {
	own := reflect.TypeFor[json.Unmarshaler]()
	return t.Implements(own) || reflect.PointerTo(t).Implements(own)
}

// called gives a path of encoding/json without the names of embedded structs,
// which stand in no text.
func (n *node) called(path string) string {
	var own []string
	for name := range strings.SplitSeq(path, ".") {
		for n != nil && n.members == nil {
			n = n.each
		}
		if n == nil {
			own = append(own, name)
			continue
		}
		if inner, known := n.members[name]; known {
			own, n = append(own, name), inner
		}
	}
	return orWhole(strings.Join(own, "."))
}
