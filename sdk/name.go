package sdk

import (
	"slices"
	"strings"
)

// JoinName makes the name of a NativeID of its parts, such as the database,
// the schema and the table. Empty parts are left out. A part that holds a dot,
// or begins with a quote, is put in double quotes with each quote inside
// doubled, so that "a.b" in c and b in "c.a" stay two names.
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

// SplitName gives the parts of a name that JoinName wrote. What is not written
// like that, such as a quote that never ends, is cut at its dots as it stands.
func SplitName(name string) []string {
	var parts []string
	for rest := name; ; {
		part, after, ok := cutPart(rest)
		if !ok {
			return strings.Split(name, ".")
		}
		parts = append(parts, part)
		if after == "" {
			return parts
		}
		rest = after[1:]
	}
}

// cutPart gives the first part, and what follows with its dot.
func cutPart(name string) (part, after string, ok bool) {
	quoted, isQuoted := strings.CutPrefix(name, `"`)
	if !isQuoted {
		end := strings.IndexByte(name, '.')
		if end < 0 {
			end = len(name)
		}
		return name[:end], name[end:], true
	}
	var text strings.Builder
	for {
		before, rest, found := strings.Cut(quoted, `"`)
		if !found {
			return "", "", false
		}
		text.WriteString(before)
		if next, doubled := strings.CutPrefix(rest, `"`); doubled {
			text.WriteByte('"')
			quoted = next
			continue
		}
		return text.String(), rest, rest == "" || rest[0] == '.'
	}
}

// PlainName is how a name was written before parts were quoted, or "" where
// that is the same. A harvester gives it as an alias where no other asset of
// its source would have it too, so that what was known by it stays known.
func PlainName(parts ...string) string {
	plain := strings.Join(slices.DeleteFunc(slices.Clone(parts), func(p string) bool { return p == "" }), ".")
	if plain == JoinName(parts...) {
		return ""
	}
	return plain
}
