// Package said tells an operator of an error in a source's words and in ours. It
// owns how much is told, and that no credential goes along; it refuses to judge
// what the error means.
package said

import (
	"strings"

	"github.com/souk-mesh/souk/sdk/credential"
)

// most is how many letters are repeated.
const most = 200

// Words is a source's text on one line, without what looks like a credential,
// and not too long.
func Words(text string) string {
	words := []rune(credential.New().Redact(strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), " ")))
	if len(words) > most {
		return string(words[:most]) + "…"
	}
	return string(words)
}
