// Package secret finds and strikes out the values of secrets in text. It owns
// the spellings in which a secret may show itself; it refuses to keep, resolve
// or compare secrets for any other end.
package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// The shortest secrets that are looked for. A shorter one is found by chance
// everywhere; a record is refused, and so wants better proof than a log line
// in which some dots are lost.
const (
	shortestStruck  = 4
	shortestRefused = 8
)

// Mark stands in the place of a secret that was struck out.
const Mark = "[secret]"

// Set is the secrets of one run. The zero value knows none.
type Set struct {
	replacer *strings.Replacer
	refused  [][]byte
}

// New makes a set of the values. A value that also stands in the open text,
// such as a password that equals the user's name, is struck out like any other,
// but does not make a record suspect.
func New(values []string, open string) Set {
	var s Set
	var pairs []string
	for _, v := range values {
		for _, spelling := range spellings(v) {
			if len(spelling) < shortestStruck {
				continue
			}
			pairs = append(pairs, spelling)
			if len(v) >= shortestRefused && !strings.Contains(open, v) {
				s.refused = append(s.refused, []byte(spelling))
			}
		}
	}
	if pairs == nil {
		return s
	}
	// The longest first, so that no secret survives as the tail of another.
	slices.SortFunc(pairs, func(a, b string) int { return len(b) - len(a) })
	s.replacer = strings.NewReplacer(withMarks(slices.Compact(pairs))...)
	return s
}

func withMarks(words []string) []string {
	pairs := make([]string, 0, 2*len(words))
	for _, w := range words {
		pairs = append(pairs, w, Mark)
	}
	return pairs
}

// spellings gives the ways in which libraries write a value into an address, a
// log line or a header, and the lines of a key of several lines.
func spellings(value string) []string {
	quoted, _ := json.Marshal(value)
	all := []string{
		value, url.QueryEscape(value), url.PathEscape(value), strings.Trim(string(quoted), `"`),
		base64.StdEncoding.EncodeToString([]byte(value)),
	}
	for line := range strings.Lines(value) {
		if line = strings.TrimSpace(line); len(line) >= 2*shortestRefused {
			all = append(all, line)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Strike gives the text without the secrets.
func (s Set) Strike(text string) string {
	if s.replacer == nil {
		return text
	}
	return s.replacer.Replace(text)
}

// In tells whether the bytes hold a secret long enough to be no accident.
func (s Set) In(b []byte) bool {
	return slices.ContainsFunc(s.refused, func(w []byte) bool { return bytes.Contains(b, w) })
}
