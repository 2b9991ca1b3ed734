package model

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text bounds what people may write into a field. Lengths count characters,
// and blank space at the ends counts for nothing towards the least. Credentials
// are looked for at the door, in every text of every mutation.
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
	if i := strings.IndexFunc(s, t.deceives); i >= 0 {
		r, _ := utf8.DecodeRuneInString(s[i:])
		return Invalid(t.Field, fmt.Sprintf("holds the invisible character %U", r), "leave it out; it could make the text read as another")
	}
	return nil
}

// deceives reports what is not seen, or turns round what is: two texts would
// look alike, or one would be read from the wrong end. Prose may hold what
// languages need to join and direct their letters.
func (t Text) deceives(r rune) bool {
	switch r {
	case '\u200c', '\u200d', '\u200e', '\u200f', '\u061c': // joiners and marks of direction
		return !t.Prose
	case '\u115f', '\u1160', '\u3164', '\uffa0', '\u2800', '\u034f', '\u180e', '\u2028', '\u2029': // fillers, blanks and breaks that are no letters
		return true
	}
	return unicode.Is(unicode.Cf, r) && !unicode.Is(visibleFormat, r)
}

// visibleFormat are format characters that show: signs of Arabic, Syriac and Kaithi.
var visibleFormat = &unicode.RangeTable{ //nolint:gochecknoglobals // a table, whose type unicode.Is takes as a pointer
	R16: []unicode.Range16{{Lo: 0x0600, Hi: 0x0605, Stride: 1}, {Lo: 0x06dd, Hi: 0x06dd, Stride: 1}, {Lo: 0x070f, Hi: 0x070f, Stride: 1}, {Lo: 0x0890, Hi: 0x0891, Stride: 1}, {Lo: 0x08e2, Hi: 0x08e2, Stride: 1}},
	R32: []unicode.Range32{{Lo: 0x110bd, Hi: 0x110bd, Stride: 1}, {Lo: 0x110cd, Hi: 0x110cd, Stride: 1}},
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

// Counted says how many there are of something: 1 row, 2 rows, 1 decision log,
// 0 decision logs. Every text that people read counts with it.
func Counted[N ~int | ~int64](n N, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
