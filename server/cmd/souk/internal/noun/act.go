package noun

import (
	"slices"
	"strings"
	"unicode"

	"github.com/vektah/gqlparser/v2/ast"
)

// Act is one thing that can be done with a noun: a command.
type Act struct {
	Noun      Noun
	Verb      string
	Summary   string
	Arguments []Field // what stands beside the flags
	Flags     []Field
	definition
}

// definition is the query or mutation behind an act.
type definition struct {
	field  *ast.FieldDefinition
	schema *ast.Schema
	nouns  []Noun
	kind   ast.Operation
	list   bool
}

// Mutation is the name of the mutation that the act sends, if it sends one.
func (a Act) Mutation() string {
	if a.kind != ast.Mutation {
		return ""
	}
	return a.field.Name
}

// Lists reports whether the act lists records.
func (a Act) Lists() bool { return a.list }

// Field is one value that an act takes.
type Field struct {
	Name     string // of the schema
	Flag     string
	About    string
	Required bool
	Default  string // what the schema says where nothing is said
	Kind     Kind
	Words    []string // of an enumeration
	Of       string   // the word of the noun that an id or a name of it is wanted of
	filter   bool     // stands in the filter of a list
}

// Kind is how a value is written.
type Kind int

// The kinds of values.
const (
	Text  Kind = iota
	Word       // of an enumeration, in either case
	Yes        // a switch
	Count      // a number
	Texts      // several, commas between them
	Data       // JSON or YAML, or @FILE
)

// Acts derives every act from the schema. Mutations that have neither a place
// nor a command elsewhere are lost.
func Acts(schema *ast.Schema) (all []Act, lost []string) {
	nouns := All()
	for _, n := range nouns {
		d := definition{schema: schema, nouns: nouns, kind: ast.Query}
		if d.field = schema.Query.Fields.ForName(n.List); d.field != nil {
			d.list = true
			all = append(all, d.act(n, "list"))
		}
		if d.field = schema.Query.Fields.ForName(n.Show); d.field != nil {
			d.list = false
			all = append(all, d.act(n, "show"))
		}
	}
	for _, field := range schema.Mutation.Fields {
		if elsewhere[field.Name] != "" || strings.HasPrefix(field.Name, "__") {
			continue
		}
		word, verb := placeOf(field.Name, nouns)
		if word == "" {
			lost = append(lost, field.Name)
			continue
		}
		d := definition{schema: schema, nouns: nouns, kind: ast.Mutation, field: field}
		for _, n := range nouns {
			if n.Word == word || word == "record" && n.Named {
				all = append(all, d.act(n, verb))
			}
		}
	}
	return all, lost
}

// act is the noun's act of the name: its fields, and which of them is said
// without a flag.
func (d definition) act(n Noun, verb string) Act {
	a := Act{Noun: n, Verb: verb, Summary: firstSentence(d.field.Description), definition: d}
	fields := d.fields(n)
	first := -1
	if !d.list {
		for _, name := range []string{"id", "name"} {
			if first < 0 {
				first = slices.IndexFunc(fields, func(f Field) bool { return f.Name == name && (f.Required || d.kind == ast.Query) })
			}
		}
	}
	if first < 0 {
		first = slices.IndexFunc(fields, func(f Field) bool { return f.Required && !d.list })
	}
	for i, f := range fields {
		switch {
		case i == first && f.Name == "id":
			f.Of, f.Required = n.Word, true
			a.Arguments = append(a.Arguments, f)
		case i == first:
			a.Arguments = append(a.Arguments, f)
		case d.kind == ast.Query && !d.list: // the argument says it all
		default:
			a.Flags = append(a.Flags, f)
		}
	}
	return a
}

// fields gives what the query or mutation takes: the fields of its one input or
// of its filter, and its own arguments, paging aside.
func (d definition) fields(n Noun) (all []Field) {
	for _, arg := range d.field.Arguments {
		switch kind := d.schema.Types[arg.Type.Name()]; {
		case d.list && (arg.Name == "first" || arg.Name == "after"):
		case kind.Kind == ast.InputObject && (arg.Name == "input" || arg.Name == "filter"):
			for _, f := range kind.Fields {
				field := d.take(n, f.Name, f.Description, f.Type, f.DefaultValue)
				field.filter = arg.Name == "filter"
				all = append(all, field)
			}
		default:
			all = append(all, d.take(n, arg.Name, arg.Description, arg.Type, arg.DefaultValue))
		}
	}
	return all
}

// take describes one value. What the schema says where nothing is said need not be
// said, whatever its type.
func (d definition) take(n Noun, name, about string, t *ast.Type, otherwise *ast.Value) Field {
	f := Field{Name: name, Flag: flagOf(name), About: firstSentence(about), Required: t.NonNull && otherwise == nil}
	if otherwise != nil {
		f.Default = otherwise.Raw
	}
	kind := d.schema.Types[t.Name()]
	switch {
	case kind.Kind == ast.InputObject || kind.Name == "JSON":
		f.Kind = Data
	case t.Elem != nil:
		f.Kind = Texts
	case kind.Kind == ast.Enum:
		f.Kind = Word
	case kind.Name == "Boolean":
		f.Kind = Yes
	case kind.Name == "Int":
		f.Kind = Count
	}
	for _, v := range kind.EnumValues {
		f.Words = append(f.Words, v.Name)
	}
	if kind.Name == "ID" && name != "id" {
		f.Of = meant(name, n, d.nouns)
	}
	return f
}

// roles are the names that inputs have for a record of another noun.
var roles = map[string]string{
	"actor": "person", "author": "person", "owner": "person", "principal": "person", "requester": "person", "steward": "person",
	"successor": "product",
}

// meant tells which noun's record a field wants the id of.
func meant(name string, n Noun, nouns []Noun) string {
	stem := strings.TrimSuffix(strings.TrimSuffix(name, "Ids"), "Id")
	words := strings.Split(flagOf(stem), "-")
	last := words[len(words)-1]
	switch {
	case last == "parent":
		return n.Word
	case roles[last] != "":
		return roles[last]
	case slices.ContainsFunc(nouns, func(o Noun) bool { return o.Word == last }):
		return last
	}
	return ""
}

// flagOf writes a field's name as a flag: ownerTeamId is owner-team, isPaused is paused.
func flagOf(name string) string {
	for _, id := range []string{"Ids", "Id"} {
		if stem, found := strings.CutSuffix(name, id); found {
			name = stem + strings.TrimPrefix(id, "Id")
			break
		}
	}
	var b strings.Builder
	for _, r := range name {
		if unicode.IsUpper(r) {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.TrimPrefix(b.String(), "is-")
}

// firstSentence of a description, beginning small as summaries do.
func firstSentence(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	for i := 1; i < len(text); i++ { // an end is a full stop by itself, before a space or nothing
		if text[i] == '.' && text[i-1] != '.' && (i == len(text)-1 || text[i+1] == ' ') {
			text = text[:i]
			break
		}
	}
	text = strings.ReplaceAll(text, "`", "")
	if len(text) > 1 && unicode.IsUpper(rune(text[0])) && !unicode.IsUpper(rune(text[1])) {
		text = strings.ToLower(text[:1]) + text[1:]
	}
	return text
}
