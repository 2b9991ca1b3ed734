package sqlite

import (
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// SQLite tells of checks, and of what an index is made of beside columns, by
// the statement alone that made them. It has taken that statement, so that it
// is enough to know where texts, names, comments and brackets begin and end.

// token is a word, a quoted name or text, or a single sign, and where it stands.
type token struct {
	text       string
	start, end int
	depth      int // of brackets around it; an opening one stands outside of what it opens
}

// is reports whether the token is the keyword.
func (t token) is(word string) bool { return strings.EqualFold(t.text, word) }

// tokensOf cuts a statement, without its spaces and comments.
func tokensOf(sql string) []token {
	var tokens []token
	depth := 0
	for i := 0; i < len(sql); {
		end := tokenEnd(sql, i)
		text := sql[i:end]
		if isComment := strings.HasPrefix(text, "--") || strings.HasPrefix(text, "/*"); isComment || strings.TrimSpace(text) == "" {
			i = end
			continue
		}
		if text == ")" {
			depth--
		}
		tokens = append(tokens, token{text, i, end, depth})
		if text == "(" {
			depth++
		}
		i = end
	}
	return tokens
}

// tokenEnd is where the token that begins at i ends.
func tokenEnd(sql string, i int) int {
	rest := sql[i:]
	switch {
	case strings.HasPrefix(rest, "--"):
		return i + until(rest, 2, "\n")
	case strings.HasPrefix(rest, "/*"):
		return i + until(rest, 2, "*/")
	case rest[0] == '[':
		return i + until(rest, 1, "]")
	case strings.ContainsRune(`'"`+"`", rune(rest[0])):
		return i + quotedEnd(rest)
	}
	n := 0
	for n < len(rest) && isWord(rest[n]) {
		n++
	}
	return i + max(n, 1)
}

func isWord(c byte) bool {
	return c >= 0x80 || c == '_' || c == '$' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// until is just after the mark, or the end of what has none.
func until(text string, from int, mark string) int {
	if i := strings.Index(text[from:], mark); i >= 0 {
		return from + i + len(mark)
	}
	return len(text)
}

// quotedEnd is just after the quote that closes the first; two within stand for one.
func quotedEnd(text string) int {
	for i := 1; i < len(text); i++ {
		if text[i] != text[0] {
			continue
		}
		if i+1 < len(text) && text[i+1] == text[0] {
			i++
			continue
		}
		return i + 1
	}
	return len(text)
}

// checksIn gives the checks of a table from the statement that made it.
func checksIn(create string) []sdk.Constraint {
	var checks []sdk.Constraint
	tokens := tokensOf(create)
	for i, t := range tokens {
		if t.depth != 1 || !t.is("check") || i+1 >= len(tokens) || tokens[i+1].text != "(" {
			continue
		}
		check := sdk.Constraint{Kind: sdk.Check, Expression: create[tokens[i+1].end:closing(tokens, i+1)]}
		if i > 1 && tokens[i-2].is("constraint") {
			check.Name = unquoted(tokens[i-1].text)
		}
		checks = append(checks, check)
	}
	return checks
}

// closing is where the bracket stands that closes the one that opens at i.
func closing(tokens []token, i int) int {
	for _, t := range tokens[i+1:] {
		if t.text == ")" && t.depth == tokens[i].depth {
			return t.start
		}
	}
	return tokens[len(tokens)-1].end
}

// indexExpression is what stands behind the table's name in the statement that
// made an index: all of it, or which rows it is for alone.
func indexExpression(create string, whole bool) string {
	for _, t := range tokensOf(create) {
		if t.depth == 0 && (whole && t.text == "(" || t.is("where")) {
			return strings.TrimSpace(create[t.start:])
		}
	}
	return ""
}

func unquoted(name string) string {
	if len(name) < 2 || !strings.ContainsRune("'\"`[", rune(name[0])) {
		return name
	}
	quote := name[:1]
	return strings.ReplaceAll(name[1:len(name)-1], quote+quote, quote)
}
