package question

import (
	"strings"
)

// Within reports that the one path of the input is the other, or a part of it.
func Within(path, whole string) bool {
	rest, ok := strings.CutPrefix(path, whole)
	return whole == "" || (ok && (rest == "" || rest[0] == '.'))
}
