package model

import "strings"

// FoldASCII writes the ASCII letters in lower case and leaves all others alone.
func FoldASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// JoinName makes the name of an asset of its parts, such as the database, the
// schema and the table. Empty parts are left out. A part that holds a dot, or
// begins with a quote, stands in double quotes with each quote inside doubled:
// the table b of the schema "c.a" is not the table "a.b" of c. It is the way in
// which plugins join names, too.
func JoinName(parts ...string) string {
	var name strings.Builder
	for _, part := range parts {
		if part == "" {
			continue
		}
		if name.Len() > 0 {
			name.WriteByte('.')
		}
		if strings.Contains(part, ".") || part[0] == '"' {
			part = `"` + strings.ReplaceAll(part, `"`, `""`) + `"`
		}
		name.WriteString(part)
	}
	return name.String()
}

// NameParts cuts a name into its parts, without their quotes.
func NameParts(name string) []string {
	var parts []string
	for {
		part, rest, more := CutName(name)
		parts = append(parts, part)
		if !more {
			return parts
		}
		name = rest
	}
}

// CutName cuts the first part off a name, without its quotes; the rest keeps
// its own. Quotes that do not enclose a whole part are letters like others.
func CutName(name string) (part, rest string, more bool) {
	if quoted, rest, more, ok := cutQuoted(name); ok {
		return quoted, rest, more
	}
	return strings.Cut(name, ".")
}

func cutQuoted(name string) (part, rest string, more, ok bool) {
	if name == "" || name[0] != '"' {
		return "", "", false, false
	}
	for i := 1; i < len(name); i++ {
		switch {
		case name[i] != '"':
			continue
		case i+1 < len(name) && name[i+1] == '"':
			i++
			continue
		case i+1 < len(name) && name[i+1] != '.':
			return "", "", false, false
		}
		part = strings.ReplaceAll(name[1:i], `""`, `"`)
		rest, more = strings.CutPrefix(name[i+1:], ".")
		return part, rest, more, true
	}
	return "", "", false, false
}
