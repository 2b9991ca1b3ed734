package question

import (
	"strconv"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
)

// Kind is the type that a field has for the rules.
type Kind int

// The kinds of field.
const (
	Text Kind = iota
	Texts
	Number
	Flag
	Object  // has fields of its own
	Objects // a list of such
)

// Scope says for whom a field is the same when the rows of a list are judged.
type Scope int

// The scopes. A field of neither is the same for all rows and askers, or no
// filter can read it.
const (
	OfNeither Scope = iota
	OfRow
	OfAsker
)

// Naming says what a field names.
type Naming int

// What fields can name, so that rules about others can be told.
const (
	NamesNothing Naming = iota
	NamesDomain
	NamesTeam
	NamesPerson
)

// Row is a row of a table of fields: everything that anybody has to know of one
// field of the input, held by a Q.
type Row[Q any] struct {
	Path  string // resource.owner_team
	Kind  Kind
	Scope Scope
	Names Naming
	Words []string       // of a closed list; nil allows any
	Tried []string       // by questions that are made up, whatever the rules say
	Short bool           // never long
	Only  []model.Action // that have it; nil is all
	Open  bool           // everybody may know it of everybody

	// What the field holds, by its kind.
	Text   func(*Q) string
	Texts  func(*Q) []string
	Number func(*Q) int
	Flag   func(*Q) bool

	key     *ast.Term
	put     func(*builder, *Q) *ast.Term // nil is absent
	set     func(*Q, string) bool
	add     func(*Q, string) bool // to a list
	read    func(*Q, ast.Value)   // from an input that was logged; nil where nobody does
	vary    func(*Q, string) bool // nil where no made-up question has another value
	members []*Row[Q]             // of an object
}

// Field is a field of the input.
type Field = Row[Question]

func newRow[Q any](path string, of Kind) *Row[Q] {
	r := &Row[Q]{Path: path, Kind: of}
	r.key = ast.StringTerm(r.name())
	return r
}

// Any gives what the field holds.
func (r *Row[Q]) Any(q *Q) any {
	switch r.Kind {
	case Text:
		return r.Text(q)
	case Texts:
		return r.Texts(q)
	case Number:
		return r.Number(q)
	case Flag:
		return r.Flag(q)
	case Object, Objects:
	}
	return nil
}

// name is the last word of the path.
func (r *Row[Q]) name() string { return r.Path[strings.LastIndexByte(r.Path, '.')+1:] }

// text is a field of any text.
func text[T ~string, Q any](path string, at func(*Q) *T) *Row[Q] {
	r := newRow[Q](path, Text)
	r.Text = func(q *Q) string { return string(*at(q)) }
	r.put = func(b *builder, q *Q) *ast.Term { return b.text(string(*at(q))) }
	r.set = func(q *Q, value string) bool { *at(q) = T(value); return true }
	r.read = func(q *Q, v ast.Value) {
		s, _ := v.(ast.String)
		*at(q) = T(s)
	}
	return r
}

// word is a text that is most often of a list which is known.
func word[T ~string, Q any](path string, at func(*Q) *T) *Row[Q] {
	r := text(path, at)
	r.put = func(b *builder, q *Q) *ast.Term { return b.known(string(*at(q))) }
	return r
}

// texts is a list.
func texts[T ~string, Q any](path string, at func(*Q) *[]T) *Row[Q] {
	r := newRow[Q](path, Texts)
	r.Texts = func(q *Q) []string {
		if plain, ok := any(at(q)).(*[]string); ok {
			return *plain
		}
		return Spelled(*at(q)...)
	}
	r.put = func(b *builder, q *Q) *ast.Term { return list(b, *at(q)) }
	r.set = func(q *Q, value string) bool { *at(q) = []T{T(value)}; return true }
	r.add = func(q *Q, value string) bool {
		*at(q) = append((*at(q))[:len(*at(q)):len(*at(q))], T(value)) // the question's own list stays as it is
		return true
	}
	r.read = func(q *Q, v ast.Value) {
		items, ok := v.(*ast.Array)
		if !ok {
			return
		}
		items.Foreach(func(item *ast.Term) {
			if s, ok := item.Value.(ast.String); ok {
				r.add(q, string(s))
			}
		})
	}
	return r
}

// number is a whole number.
func number[Q any](path string, at func(*Q) *int) *Row[Q] {
	r := newRow[Q](path, Number)
	r.Number = func(q *Q) int { return *at(q) }
	r.put = func(_ *builder, q *Q) *ast.Term { return ast.InternedTerm(*at(q)) }
	r.set = func(q *Q, value string) bool { *at(q), _ = strconv.Atoi(value); return true }
	r.read = func(q *Q, v ast.Value) {
		n, _ := v.(ast.Number)
		*at(q), _ = n.Int()
	}
	return r
}

// flag is true or false.
func flag[Q any](path string, at func(*Q) *bool) *Row[Q] {
	r := newRow[Q](path, Flag)
	r.Flag = func(q *Q) bool { return *at(q) }
	r.put = func(_ *builder, q *Q) *ast.Term { return ast.InternedTerm(*at(q)) }
	r.read = func(q *Q, v ast.Value) {
		b, _ := v.(ast.Boolean)
		*at(q) = bool(b)
	}
	return r
}

// moment is a time, which rules see as a text.
func moment[Q any](path string, at func(*Q) *time.Time) *Row[Q] {
	r := newRow[Q](path, Text)
	r.Text = func(q *Q) string { return at(q).UTC().Format(Stamp) }
	r.put = func(b *builder, q *Q) *ast.Term { return b.moment(*at(q)) }
	r.set = func(q *Q, value string) bool {
		t, err := time.Parse(time.RFC3339, value)
		if err == nil {
			*at(q) = t
		}
		return err == nil
	}
	return r
}

// duration is a time that something takes, which rules see in whole seconds.
func duration[Q any](path string, at func(*Q) *time.Duration) *Row[Q] {
	r := newRow[Q](path, Number)
	r.Number = func(q *Q) int { return int(*at(q) / time.Second) }
	r.put = func(_ *builder, q *Q) *ast.Term { return ast.InternedTerm(r.Number(q)) }
	r.set = func(q *Q, value string) bool {
		n, _ := strconv.Atoi(value)
		*at(q) = time.Duration(n) * time.Second
		return true
	}
	return r
}

// object is there when the question has it; its fields are the rows below it.
func object[Q any](path string, has func(*Q) bool) *Row[Q] {
	r := newRow[Q](path, Object)
	r.put = func(b *builder, q *Q) *ast.Term {
		if !has(q) {
			return nil
		}
		return members(b, r.members, q)
	}
	return r
}

func (r *Row[Q]) ofRow() *Row[Q]                       { r.Scope = OfRow; return r }
func (r *Row[Q]) ofAsker() *Row[Q]                     { r.Scope = OfAsker; return r }
func (r *Row[Q]) open() *Row[Q]                        { r.Open = true; return r }
func (r *Row[Q]) short() *Row[Q]                       { r.Short = true; return r }
func (r *Row[Q]) naming(what Naming) *Row[Q]           { r.Names = what; return r }
func (r *Row[Q]) closed(known ...string) *Row[Q]       { r.Words = known; return r }
func (r *Row[Q]) tried(values ...string) *Row[Q]       { r.Tried = values; return r }
func (r *Row[Q]) only(actions ...model.Action) *Row[Q] { r.Only = actions; return r }

// varied lets made-up questions put other values into the field.
func (r *Row[Q]) varied() *Row[Q] { r.vary = r.set; return r }

// extended lets made-up questions add values to the list.
func (r *Row[Q]) extended() *Row[Q] { r.vary = r.add; return r }

// absentAtZero leaves a number out that counts nothing.
func (r *Row[Q]) absentAtZero() *Row[Q] {
	put := r.put
	r.put = func(b *builder, q *Q) *ast.Term {
		if r.Number(q) == 0 {
			return nil
		}
		return put(b, q)
	}
	return r
}

// members builds an object of the rows.
func members[Q any](b *builder, rows []*Row[Q], q *Q) *ast.Term {
	pairs := make([][2]*ast.Term, 0, 24)
	for _, r := range rows {
		if value := r.put(b, q); value != nil {
			pairs = append(pairs, Pair(r.key, value))
		}
	}
	return b.object(pairs...)
}
