// Package report owns the bounds of what one side of the pipe tells the other
// about a fault. It refuses nothing: what is too long is cut.
package report

import (
	"strings"
	"unicode/utf8"
)

// Clip keeps a text small enough for a report, and free of broken characters,
// which the wire would refuse.
func Clip(text string) string {
	const limit = 2048
	if len(text) > limit {
		text = text[:limit] + "..."
	}
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "\uFFFD")
	}
	return text
}
