package lake

import (
	"fmt"
	"path"
	"strings"
	"unicode/utf8"
)

// legible writes what is no UTF-8 as %FF, so that two names stay two.
func legible(name string) string {
	if utf8.ValidString(name) {
		return name
	}
	var b strings.Builder
	for name != "" {
		r, n := utf8.DecodeRuneInString(name)
		if r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&b, "%%%02X", name[0])
		} else {
			b.WriteString(name[:n])
		}
		name = name[n:]
	}
	return b.String()
}

func validPattern(pattern string) bool {
	_, err := path.Match(pattern, "")
	return err == nil && pattern != "" && pattern[0] != '/'
}

// matches is path.Match, in which a star stands for a part of one folder's name.
func matches(pattern, name string) bool {
	ok, err := path.Match(strings.TrimSuffix(pattern, "/"), name)
	return err == nil && ok
}
