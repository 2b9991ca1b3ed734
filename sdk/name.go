package sdk

import "strings"

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
