// Package exact reads the JSON of strangers as it is written. A member that
// comes twice, or whose name differs from a known one in small and capital
// letters alone, means something else to the next reader of the same text: here
// both are errors that name the member. Numbers stay as they were written.
package exact

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"unicode/utf8"

	"github.com/souk-mesh/souk/graph/model"
)

// Unknown says what becomes of members that a shape does not have.
type Unknown bool

// The ways with unknown members. Protocols that grow by new members want them
// passed over.
const (
	Refused    Unknown = false
	PassedOver Unknown = true
)

// Shape is what a text of one kind may hold. It is made once and never changes.
type Shape[T any] struct {
	root    *node
	unknown Unknown
}

// Of makes the shape of texts that are read into T, by the rules and the tags
// of encoding/json.
func Of[T any](unknown Unknown) Shape[T] {
	return Shape[T]{root: nodeOf(reflect.TypeFor[T]()), unknown: unknown}
}

// Read takes one JSON value into the value. Every error is of kind Invalid and
// names the member at fault; "body" is the whole text.
func (s Shape[T]) Read(text []byte, into *T) error {
	if !utf8.Valid(text) {
		return model.Invalid(whole, "is not valid UTF-8", "")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	err := d.Decode(into)
	wrong, mistyped := errors.AsType[*json.UnmarshalTypeError](err)
	if _, after := d.Token(); err != nil && !mistyped || !errors.Is(after, io.EOF) {
		return model.Invalid(whole, "is not one well-formed JSON value", "")
	}
	l := &look{text: text, unknown: s.unknown}
	if l.value(s.root); l.fault != nil {
		return l.fault
	}
	if mistyped {
		return model.Invalid(clip(s.root.called(wrong.Field)), "has the wrong type", "it must be "+plain(wrong.Type))
	}
	return nil
}

const (
	whole   = "body"
	maxEcho = 80
)

func orWhole(field string) string {
	if field == "" {
		return whole
	}
	return field
}

func clip(s string) string {
	if len(s) <= maxEcho {
		return s
	}
	cut := maxEcho
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}

// plain calls a type what people who write JSON call it.
func plain(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map:
		return "an object"
	case reflect.Struct:
		if t.PkgPath() == "time" {
			return "a time such as 2026-11-25T09:30:00Z"
		}
		return "an object"
	case reflect.Pointer:
		return plain(t.Elem())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number"
	case reflect.Float32, reflect.Float64:
		return "a number"
	default:
		return "another kind of value"
	}
}
