package index

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxWords bounds what one thing adds to the index.
const maxWords = 2000

// wordsIn gives the lower-case words of a text, cut at whatever is no letter or
// digit, and inside camelCase. A word cut in camelCase is there in one piece as well.
func wordsIn(text string, yield func(string)) {
	for _, chunk := range chunks(text) {
		pieces := humps(chunk)
		for _, p := range pieces {
			yield(strings.ToLower(p))
		}
		if len(pieces) > 1 {
			yield(strings.ToLower(chunk))
		}
	}
}

// Asked cuts what a viewer types into words, each once; camelCase asks for its pieces.
func Asked(text string) []string {
	var all []string
	for _, chunk := range chunks(text) {
		for _, p := range humps(chunk) {
			if p = strings.ToLower(p); !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
	}
	return all
}

func chunks(text string) []string {
	return strings.FieldsFunc(norm.NFC.String(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) })
}

// humps cuts at the capitals of camelCase: HTTPServerName gives HTTP, Server, Name.
func humps(s string) []string {
	if !strings.ContainsFunc(s, unicode.IsUpper) {
		return []string{s}
	}
	var pieces []string
	from, before := 0, rune(0)
	for i, r := range s {
		_, size := utf8.DecodeRuneInString(s[i:])
		after, _ := utf8.DecodeRuneInString(s[i+size:])
		rises := unicode.IsUpper(r) && !unicode.IsUpper(before)
		ends := unicode.IsUpper(before) && unicode.IsUpper(r) && unicode.IsLower(after)
		if i > 0 && (rises || ends) {
			pieces, from = append(pieces, s[from:i]), i
		}
		before = r
	}
	return append(pieces, s[from:])
}
