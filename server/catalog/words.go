package catalog

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// The parts of a thing that words are found in, as bits.
type textPart uint8

const (
	inName textPart = 1 << iota
	inTags
	inDescription
	inFields
)

// textParts lists the parts, best first, with what a word found there is worth.
var textParts = []struct {
	part   textPart
	name   string
	weight float64
}{{inName, "name", 4}, {inTags, "tags", 2.5}, {inDescription, "description", 2}, {inFields, "fields", 1}}

// maxWords bounds what one thing adds to the index.
const maxWords = 2000

// wordsIn cuts a text into lower-case words: at whatever is no letter or digit,
// and inside camelCase. A word cut in camelCase is there in one piece as well.
func wordsIn(text string) []string {
	var all []string
	for _, chunk := range strings.FieldsFunc(norm.NFC.String(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) }) {
		pieces := humps(chunk)
		for _, p := range pieces {
			all = append(all, strings.ToLower(p))
		}
		if len(pieces) > 1 {
			all = append(all, strings.ToLower(chunk))
		}
	}
	return all
}

// humps cuts at the capitals of camelCase: HTTPServerName gives HTTP, Server, Name.
func humps(s string) []string {
	runes := []rune(s)
	var pieces []string
	from := 0
	for i := 1; i < len(runes); i++ {
		rises := unicode.IsUpper(runes[i]) && !unicode.IsUpper(runes[i-1])
		ends := unicode.IsUpper(runes[i-1]) && unicode.IsUpper(runes[i]) && i+1 < len(runes) && unicode.IsLower(runes[i+1])
		if rises || ends {
			pieces = append(pieces, string(runes[from:i]))
			from = i
		}
	}
	return append(pieces, string(runes[from:]))
}

// asked cuts what a viewer types into words, each once; camelCase asks for its pieces.
func asked(text string) []string {
	var all []string
	for _, w := range strings.FieldsFunc(norm.NFC.String(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) }) {
		for _, p := range humps(w) {
			if p = strings.ToLower(p); !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
	}
	return all
}
