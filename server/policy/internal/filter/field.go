package filter

import "github.com/souk-mesh/souk/server/policy/internal/question"

// Field names what a condition reads of a row. Which fields there are follows
// from the table of the input's fields: those that differ from row to row, those
// of the asker, and those of a grant.
type Field int

// What is no field of the input. The fields of a grant come next, then those of
// the rows and the asker.
const (
	Constant Field = iota // a value
	Element               // of a list of texts
	firstGrant
)

var firstField = firstGrant + Field(len(question.GrantTable))

// filtered are the rows of the table that a condition can read.
var filtered = func() (rows []*question.Field) {
	for _, f := range question.Table {
		if f.Scope != question.OfNeither {
			rows = append(rows, f)
		}
	}
	return rows
}()

// kinds gives the kind of each field's value.
var kinds = func() []Kind {
	of := make([]Kind, firstField, int(firstField)+len(filtered))
	for _, f := range filtered {
		of = append(of, map[question.Kind]Kind{question.Text: Text, question.Texts: List, question.Number: Number, question.Flag: Flag, question.Objects: List}[f.Kind])
	}
	return of
}()

// The fields that are spoken of by their names.
var (
	FieldID             = fieldAt("resource.id")
	FieldDomain         = fieldAt("resource.domain")
	FieldOwner          = fieldAt("resource.owner")
	FieldOwnerTeam      = fieldAt("resource.owner_team")
	FieldClassification = fieldAt("resource.classification")
	FieldVisibility     = fieldAt("resource.visibility")
	FieldStatus         = fieldAt("resource.status")
	FieldProduct        = fieldAt("resource.product")
	FieldRequester      = fieldAt("resource.requester")
	FieldExposed        = fieldAt("resource.exposed")
	FieldGrants         = fieldAt("facts.grants")
	FieldNow            = fieldAt("context.now")
	FieldAsker          = fieldAt("subject.id")
)

// fieldAt gives the field at a path that is in the table.
func fieldAt(path string) Field { return FieldsByPath()["input."+path] }

// FieldsByPath gives the fields by the paths that rules read them at.
func FieldsByPath() map[string]Field {
	fields := make(map[string]Field, len(filtered))
	for i, f := range filtered {
		fields["input."+f.Path] = firstField + Field(i)
	}
	return fields
}

// GrantFields gives the fields of a grant by their names.
func GrantFields() map[string]Field {
	fields := make(map[string]Field, len(question.GrantTable))
	for i, r := range question.GrantTable {
		fields[r.Path] = firstGrant + Field(i)
	}
	return fields
}

// row gives the row of the table of a field of a row or of the asker.
func (f Field) row() *question.Field { return filtered[f-firstField] }

func (f Field) ofGrant() bool { return f >= firstGrant && f < firstField }

// OfAsker tells the fields that are the same for all rows that one asker looks
// at. They are bound in every condition that is given out.
func (f Field) OfAsker() bool { return f >= firstField && f.row().Scope == question.OfAsker }

// Short tells the fields that are never long.
func (f Field) Short() bool { return f >= firstField && f.row().Short }

// ValuesOf gives what the field is in a question; of a list, each.
func (f Field) ValuesOf(q *question.Question) []Value {
	switch r := f.row(); r.Kind {
	case question.Text:
		return []Value{{Text: r.Text(q)}}
	case question.Number:
		return []Value{{Kind: Number, Number: float64(r.Number(q))}}
	case question.Flag:
		return []Value{FlagOf(r.Flag(q))}
	case question.Texts:
		texts := r.Texts(q)
		values := make([]Value, len(texts))
		for i, text := range texts {
			values[i].Text = text
		}
		return values
	case question.Object, question.Objects:
	}
	return nil
}
