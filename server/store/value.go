package store

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Canonical gives the form in which a value is stored and compared: a valid
// string in NFC, an int64 or nil, nil for the empty string and 0 or 1 for a
// bool, which one of the engines does not tell from a number. It takes named
// strings and integers, and times, so that nobody has to convert.
func Canonical(v Value) (Value, error) {
	switch v := v.(type) {
	case nil, int64:
		return v, nil
	case bool:
		return number(v), nil
	case string:
		return canonicalText(v), nil
	case time.Time:
		return v.UnixMilli(), nil
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.String:
		return canonicalText(r.String()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return r.Int(), nil
	default:
		return nil, fmt.Errorf("a %T is no value of a path: use a string, an integer, a bool or a time", v)
	}
}

// Values are canonical values that JSON carries there and back.
type Values []Value

// UnmarshalJSON reads nulls, strings, booleans and whole numbers.
func (v *Values) UnmarshalJSON(data []byte) error {
	var list []Value
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&list); err != nil {
		return err
	}
	for i, x := range list {
		var err error
		if n, ok := x.(json.Number); ok {
			list[i], err = n.Int64()
		} else {
			list[i], err = Canonical(x)
		}
		if err != nil {
			return err
		}
	}
	*v = list
	return nil
}

func canonicalText(s string) Value {
	if s == "" {
		return nil
	}
	return norm.NFC.String(strings.ToValidUTF8(s, string(utf8.RuneError)))
}

func canonicalList(list []Value) ([]Value, error) {
	values := make([]Value, len(list))
	for i, v := range list {
		var err error
		if values[i], err = Canonical(v); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// Compare orders canonical values as every index does: null first, then
// numbers, then strings by their bytes.
func Compare(a, b Value) int {
	if c := cmp.Compare(rank(a), rank(b)); c != 0 || a == nil {
		return c
	}
	if s, ok := a.(string); ok {
		return cmp.Compare(s, b.(string))
	}
	return cmp.Compare(number(a), number(b))
}

func rank(v Value) int {
	switch v.(type) {
	case nil:
		return 0
	case string:
		return 2
	default:
		return 1
	}
}

func number(v Value) int64 {
	if b, ok := v.(bool); ok {
		if b {
			return 1
		}
		return 0
	}
	n, _ := v.(int64)
	return n
}

// successor gives the least string that is greater than every string with the
// prefix, or nil when there is none. It counts in code points, because the
// order of UTF-8 bytes is theirs and half a character is no string.
func successor(prefix string) Value {
	runes := []rune(prefix)
	for i, last := range slices.Backward(runes) {
		if last == utf8.MaxRune {
			continue
		}
		next := last + 1
		if !utf8.ValidRune(next) {
			next = 0xE000 // the first after the surrogates
		}
		return string(append(runes[:i:i], next))
	}
	return nil
}
