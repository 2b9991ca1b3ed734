// Package sqltext cuts SQL into words, names in quotes, texts and marks, and tells
// which names stand where tables stand. It owns how dialects quote; whether a name
// is one of a table, its callers know.
package sqltext

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Kind is what a token is.
type Kind int

// The kinds.
const (
	Word    Kind = iota // in small letters
	Name                // a name that stood in quotes
	Literal             // a text
	Mark
)

// Token is a part of SQL.
type Token struct {
	Kind       Kind
	Text       string // without its quotes
	Start, End int    // where it stood, with its quotes
}

// Is tells whether it is one of the words or marks.
func (t Token) Is(texts ...string) bool {
	return t.Kind != Name && t.Kind != Literal && slices.Contains(texts, t.Text)
}

// Dialect is how a system quotes.
type Dialect struct {
	Names     string // the quotes of names; a [ is closed by a ]
	Texts     string // the quotes of texts
	Backslash bool   // in a text a backslash keeps the next letter
	Lines     bool   // two dashes begin a comment
	Hash      bool   // and so does a hash
	Triple    bool   // three quotes begin a text that three end
}

// Tokens cuts the SQL; comments are left out. It is not ok where a quote or a
// comment does not end.
func (d Dialect) Tokens(sql string) (all []Token, ok bool) {
	for at := 0; at < len(sql); {
		rest := sql[at:]
		r, size := utf8.DecodeRuneInString(rest)
		t := Token{Kind: Mark, Text: rest[:size], Start: at}
		shown := true
		switch {
		case unicode.IsSpace(r):
			shown = false
		case strings.HasPrefix(rest, "/*"), d.Lines && strings.HasPrefix(rest, "--"), d.Hash && r == '#':
			size, shown = comment(rest), false
		case strings.ContainsRune(d.Names, r):
			t.Kind = Name
			t.Text, size = quoted(rest, false)
		case strings.ContainsRune(d.Texts, r):
			t.Kind = Literal
			if triple := rest[:1] + rest[:1] + rest[:1]; d.Triple && strings.HasPrefix(rest, triple) {
				t.Text, size = tripled(rest)
			} else {
				t.Text, size = quoted(rest, d.Backslash)
			}
		case inWord(r):
			if size = strings.IndexFunc(rest, func(r rune) bool { return !inWord(r) }); size < 0 {
				size = len(rest)
			}
			t.Kind, t.Text = Word, strings.ToLower(rest[:size])
		}
		if size == 0 {
			return nil, false
		}
		if at += size; shown {
			t.End = at
			all = append(all, t)
		}
	}
	return all, true
}

func inWord(r rune) bool {
	return r == '_' || r == '$' || r == '@' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// comment is the length of the comment at the beginning; 0 where it does not end.
func comment(rest string) int {
	if !strings.HasPrefix(rest, "/*") {
		if end := strings.IndexByte(rest, '\n'); end >= 0 {
			return end
		}
		return len(rest)
	}
	end := strings.Index(rest[2:], "*/")
	if end < 0 {
		return 0
	}
	return end + 4
}

// quoted reads what is in quotes at the beginning, in which a doubled quote
// stands for itself. The length is 0 where it does not end.
func quoted(sql string, backslash bool) (text string, length int) {
	quote := sql[0]
	if quote == '[' {
		quote = ']'
	}
	var b strings.Builder
	for i := 1; i < len(sql); i++ {
		switch {
		case sql[i] == '\\' && backslash && i+1 < len(sql):
			i++
			b.WriteByte(escaped(sql[i]))
		case sql[i] != quote:
			b.WriteByte(sql[i])
		case i+1 < len(sql) && sql[i+1] == quote:
			i++
			b.WriteByte(quote)
		default:
			return b.String(), i + 1
		}
	}
	return "", 0
}

// tripled reads a text in three quotes, in which one or two stand for themselves.
func tripled(sql string) (text string, length int) {
	for i := 3; i < len(sql); i++ {
		switch {
		case sql[i] == '\\':
			i++
		case strings.HasPrefix(sql[i:], sql[:3]):
			return sql[3:i], i + 3
		}
	}
	return "", 0
}

// escaped is the letter that a backslash and a letter stand for.
func escaped(letter byte) byte {
	switch letter {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case '0':
		return 0
	}
	return letter
}
