package mongodb

import (
	"strconv"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/document"
	"github.com/souk-mesh/souk/sdk"
)

// node is one field of a document with what stands below it, whether it comes
// from a sample or from a validator.
type node struct {
	name        string
	types       []string
	items       []string // types within arrays
	nullable    bool     // null was seen, or is allowed
	optional    bool     // it may be missing
	description string
	values      []string
	share       int  // of the objects that have it, in percent; 0 where that is not known
	declared    bool // by the validator
	closed      bool // no field below but those of the validator
	map_        bool // some of the keys below are data
	fields      []*node
}

// merge takes from a sample what the validator does not speak of. Where both
// speak of a field, the validator has the word.
func (n *node) merge(sampled *node) {
	if n.share = sampled.share; len(n.types) == 0 {
		n.types, n.items, n.map_ = sampled.types, sampled.items, sampled.map_
	}
	if len(n.items) == 0 {
		n.items = sampled.items
	}
	known := map[string]*node{}
	for _, f := range n.fields {
		known[f.name] = f
	}
	for _, f := range sampled.fields {
		switch there := known[f.name]; {
		case there != nil:
			there.merge(f)
		case !n.closed:
			n.fields = append(n.fields, f)
		}
	}
}

// documentFields are the fields below, with what is known of each.
func (n *node) documentFields(mixed bool) (fields []*document.Field) {
	for _, f := range n.fields {
		field := &document.Field{Field: sdk.Field{
			Name: f.name, NativeType: f.typeText(), Nullable: f.nullable || f.optional,
			Description: f.description, Values: f.values, Meta: map[string]string{},
		}, Fields: f.documentFields(mixed)}
		if f.share > 0 {
			field.Meta["frequency"] = strconv.Itoa(f.share) + "%"
		}
		if mixed {
			field.Meta["from"] = map[bool]string{true: "validator", false: "sample"}[f.declared]
		}
		fields = append(fields, field)
	}
	return fields
}

// typeText is the types as the server names them, such as "int | string" or
// "array<object>"; a map is an object whose keys are data.
func (n *node) typeText() string {
	var all []string
	for _, t := range n.types {
		switch {
		case t == "array" && len(n.items) > 0:
			items := n.items
			if n.map_ {
				items = renamed(items)
			}
			t = "array<" + strings.Join(items, " | ") + ">"
		case n.map_ && t == "object":
			t = "map"
		}
		all = append(all, t)
	}
	return strings.Join(all, " | ")
}

func renamed(items []string) []string {
	var all []string
	for _, t := range items {
		if t == "object" {
			t = "map"
		}
		all = append(all, t)
	}
	return all
}

// fieldsOf cuts what is more than a record may have, and says so.
func fieldsOf(root *node) (fields []sdk.Field, cut bool) {
	mixed := false
	for _, f := range root.fields {
		mixed = mixed || f.declared
	}
	return document.Flatten(root.documentFields(mixed))
}

// text is UTF-8, whatever a client has sent.
func text(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
