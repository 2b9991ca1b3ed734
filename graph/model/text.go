package model

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text bounds what people may write into a field. Lengths count characters,
// and blank space at the ends counts for nothing towards the least.
type Text struct {
	Field string
	Least int
	Most  int
	Prose bool // line breaks and tabs are welcome
}

// Check reports a text that does not fit. What fits is kept as it was written.
func (t Text) Check(s string) error {
	switch {
	case len(s) > utf8.UTFMax*t.Most || utf8.RuneCountInString(s) > t.Most:
		return Invalid(t.Field, fmt.Sprintf("is longer than %d characters", t.Most), "shorten it")
	case !utf8.ValidString(s):
		return Invalid(t.Field, "is not valid UTF-8", "send text, not bytes")
	case t.Least > 0 && strings.TrimSpace(s) == "":
		return Invalid(t.Field, "is empty", fmt.Sprintf("write %d to %d characters", t.Least, t.Most))
	case utf8.RuneCountInString(strings.TrimSpace(s)) < t.Least:
		return Invalid(t.Field, fmt.Sprintf("is shorter than %d characters", t.Least), fmt.Sprintf("write %d to %d characters", t.Least, t.Most))
	case strings.ContainsFunc(s, t.refuses):
		return Invalid(t.Field, "holds a control character", "leave it out"+t.exception())
	}
	return nil
}

func (t Text) refuses(r rune) bool {
	if t.Prose && (r == '\n' || r == '\t') {
		return false
	}
	return unicode.IsControl(r)
}

func (t Text) exception() string {
	if t.Prose {
		return "; line breaks (\\n) and tabs are welcome"
	}
	return ""
}
