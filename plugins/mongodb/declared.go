package mongodb

import (
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// declared reads the $jsonSchema of a validator, also one that stands with other
// conditions in an $and. It gives nil where there is none.
func declared(validator bson.Raw) *node {
	if schema, ok := validator.Lookup("$jsonSchema").DocumentOK(); ok {
		n := &node{declared: true}
		n.schema(schema, 0, false)
		return n
	}
	list, ok := validator.Lookup("$and").ArrayOK()
	if !ok {
		return nil
	}
	values, _ := list.Values()
	for _, v := range values {
		if one, ok := v.DocumentOK(); ok {
			if n := declared(one); n != nil {
				return n
			}
		}
	}
	return nil
}

// schema takes what a schema says of a field and of those below it. What only
// one of several alternatives demands is optional.
func (n *node) schema(s bson.Raw, depth int, alternative bool) {
	if depth > maxDepth {
		return
	}
	n.description = text(firstText(s, n.description, "description", "title"))
	n.addTypes(s)
	n.addValues(s)
	if open, ok := s.Lookup("additionalProperties").BooleanOK(); ok && !open {
		n.closed = true
	}
	n.properties(s, depth, alternative)
	n.addItems(s, depth)
	for _, word := range []string{"allOf", "anyOf", "oneOf"} {
		for _, one := range documents(s.Lookup(word)) {
			before := n.closed
			n.schema(one, depth+1, alternative || word != "allOf")
			n.closed = before || word == "allOf" && n.closed
		}
	}
}

func firstText(s bson.Raw, already string, keys ...string) string {
	if already != "" {
		return already
	}
	for _, key := range keys {
		if found, ok := s.Lookup(key).StringValueOK(); ok && found != "" {
			return found
		}
	}
	return ""
}

// addTypes reads bsonType, or type, whose words are those of JSON Schema.
func (n *node) addTypes(s bson.Raw) {
	types := texts(s.Lookup("bsonType"))
	for _, t := range texts(s.Lookup("type")) {
		if t == "boolean" {
			t = "bool"
		}
		types = append(types, t)
	}
	for _, t := range types {
		switch {
		case t == "null":
			n.nullable = true
		case !slices.Contains(n.types, t):
			n.types = append(n.types, text(t))
		}
	}
	slices.Sort(n.types)
}

func (n *node) addValues(s bson.Raw) {
	list, ok := s.Lookup("enum").ArrayOK()
	if !ok {
		return
	}
	values, _ := list.Values()
	of := map[string]int{}
	for _, v := range values {
		of[typeName(v.Type)]++
		if word, isText := v.StringValueOK(); isText {
			n.values = append(n.values, text(word))
		} else if v.Type == bson.TypeNull {
			n.nullable = true
		} else {
			n.values = append(n.values, text(v.String()))
		}
	}
	if len(n.types) == 0 {
		n.types = typesOf(of)
	}
}

func (n *node) properties(s bson.Raw, depth int, alternative bool) {
	properties, _ := s.Lookup("properties").DocumentOK()
	elements, _ := properties.Elements()
	for _, e := range elements {
		f := n.field(text(e.Key()))
		if one, ok := e.Value().DocumentOK(); ok {
			f.schema(one, depth+1, false)
		}
	}
	for _, name := range texts(s.Lookup("required")) {
		if f := n.field(text(name)); !alternative {
			f.optional = false
		}
	}
}

// field finds a field below, or makes it.
func (n *node) field(name string) *node {
	for _, f := range n.fields {
		if f.name == name {
			return f
		}
	}
	f := &node{name: name, declared: true, optional: true}
	n.fields = append(n.fields, f)
	return f
}

// addItems reads what an array holds; the fields of objects in it stand at the
// path of the array.
func (n *node) addItems(s bson.Raw, depth int) {
	items := s.Lookup("items")
	all := documents(items)
	if one, ok := items.DocumentOK(); ok {
		all = append(all, one)
	}
	for _, one := range all {
		inner := &node{declared: true, fields: n.fields, closed: n.closed}
		inner.schema(one, depth+1, false)
		n.fields, n.closed = inner.fields, inner.closed
		for _, t := range inner.types {
			if !slices.Contains(n.items, t) {
				n.items = append(n.items, t)
			}
		}
	}
	slices.Sort(n.items)
}

// texts reads one text or a list of them.
func texts(v bson.RawValue) []string {
	if one, ok := v.StringValueOK(); ok {
		return []string{one}
	}
	list, ok := v.ArrayOK()
	if !ok {
		return nil
	}
	var all []string
	values, _ := list.Values()
	for _, one := range values {
		if word, ok := one.StringValueOK(); ok {
			all = append(all, word)
		}
	}
	return all
}

func documents(v bson.RawValue) []bson.Raw {
	list, ok := v.ArrayOK()
	if !ok {
		return nil
	}
	var all []bson.Raw
	values, _ := list.Values()
	for _, one := range values {
		if d, ok := one.DocumentOK(); ok {
			all = append(all, d)
		}
	}
	return all
}
