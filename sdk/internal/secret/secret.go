// Package secret finds and strikes out the values of secrets in text. It owns
// the spellings in which a secret may show itself; it refuses to keep, resolve
// or compare secrets for any other end.
package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
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
	plain    []*regexp.Regexp // ordinary words, where they stand as a secret
	refused  [][]byte
	written  [][]byte // every spelling and every ordinary word
}

// New makes a set of the values. One that is an ordinary word, or that also
// stands in the open text, such as a password that equals the user's name, is
// struck out only where it stands as a secret: struck everywhere it would make
// the text useless, and tell by its holes what it is.
func New(values []string, open string) Set {
	var s Set
	var pairs []string
	for _, v := range values {
		if len(v) >= shortestStruck && (ordinary.MatchString(v) || strings.Contains(open, v)) {
			s.plain = append(s.plain, asSecret(v))
			s.written = append(s.written, []byte(v))
			continue
		}
		for _, spelling := range spellings(v) {
			if len(spelling) < shortestStruck {
				continue
			}
			pairs = append(pairs, spelling)
			s.written = append(s.written, []byte(spelling))
			if len(v) >= shortestRefused {
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

// ordinary is a word or a name such as people give to tables, in one case.
var ordinary = regexp.MustCompile(`^([A-Z]?[a-z]{1,11}|[A-Z]{1,11})$|^[a-z]{1,11}(_[a-z]{1,11}){1,3}$`)

// asSecret finds the value behind a word that announces a secret, and as the
// password of an address.
func asSecret(value string) *regexp.Regexp {
	const (
		link   = `["']?\s*(?:[=:]|\bis\b|\bof\b|\bwith\b)\s*`
		before = `(?i:(?:pass(?:word|wd|phrase|code)?|pwd)(?:` + link + `|\s+)|(?:secret|token|credentials?|(?:api|access|private)[ _-]?key)` + link + `)["'` + "`" + `]?`
	)
	quoted := regexp.QuoteMeta(value)
	return regexp.MustCompile(`(` + before + `)` + quoted + `\b|(://[^/\s:@]*:)` + quoted + `@`)
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
	if s.replacer != nil {
		text = s.replacer.Replace(text)
	}
	for _, p := range s.plain {
		text = p.ReplaceAllStringFunc(text, func(found string) string {
			parts := p.FindStringSubmatch(found)
			if parts[2] != "" {
				return parts[2] + Mark + "@"
			}
			return parts[1] + Mark
		})
	}
	return text
}

// In tells whether the bytes hold a secret long enough to be no accident.
func (s Set) In(b []byte) bool {
	return slices.ContainsFunc(s.refused, func(w []byte) bool { return bytes.Contains(b, w) })
}

// Near tells whether Strike may find anything in a text that stands in the
// bytes. Where it says no, there is nothing.
func (s Set) Near(b []byte) bool {
	return slices.ContainsFunc(s.written, func(w []byte) bool { return bytes.Contains(b, w) })
}
