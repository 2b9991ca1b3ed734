package policy

import "github.com/souk-mesh/souk/server/policy/internal/filter"

// What a list asks of its rows, and what that is made of.
type (
	View      = filter.View
	Condition = filter.Condition
	Field     = filter.Field
	Value     = filter.Value
)

// The operators of a condition, a kind of value and a function that whoever
// keeps the rows can read as a filter.
const (
	OpOr  = filter.OpOr
	OpAnd = filter.OpAnd
	OpNot = filter.OpNot
	OpIn  = filter.OpIn
	Text  = filter.Text
	Plain = filter.Plain
)

// The fields of a row that whoever keeps the rows knows.
var (
	FieldID             = filter.FieldID
	FieldDomain         = filter.FieldDomain
	FieldOwner          = filter.FieldOwner
	FieldOwnerTeam      = filter.FieldOwnerTeam
	FieldClassification = filter.FieldClassification
	FieldVisibility     = filter.FieldVisibility
	FieldStatus         = filter.FieldStatus
	FieldProduct        = filter.FieldProduct
	FieldRequester      = filter.FieldRequester
	FieldExposed        = filter.FieldExposed
)
