package decisionlog

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
)

// personal lists the paths of the input that tell of a person. The ids of who
// asks and of what they ask about stand in the row itself, or nobody could
// look their own decisions up.
var personal = []string{"context.purpose", "resource.owner", "resource.requester", "subject.name", "subject.teams"}

// maskPrefix begins what stands for a masked value.
const maskPrefix = "masked:"

// Mask replaces the strings at the paths of a JSON object, and below them, by
// keyed hashes: equal values stay equal, and nobody without the key can guess
// one. It gives the paths that it found. Everything else stays as it is written.
func Mask(key []byte, input json.RawMessage, paths []string) (json.RawMessage, []string) {
	if len(paths) == 0 || !json.Valid(input) {
		return input, nil
	}
	m := masker{key: key, in: input, out: make([]byte, 0, len(input)+64*len(paths))}
	if m.next() != '{' {
		return input, nil
	}
	hit := make([]bool, len(paths))
	m.object(paths, hit)
	var found []string
	for i, path := range paths {
		if hit[i] {
			found = append(found, path)
		}
	}
	if len(found) == 0 {
		return input, nil
	}
	return append(m.out, m.in[m.done:]...), found
}

// masker goes once over a text that is known to be JSON, and copies it but for
// what it masks. To read it into values and to write those again would take
// longer than the decision that it tells of.
type masker struct {
	key      []byte
	hash     hash.Hash // made when it is needed
	in, out  []byte
	at, done int // in has been looked at and copied up to there
}

// next passes over blanks and what stands between members, and gives the byte
// behind.
func (m *masker) next() byte {
	for ; m.at < len(m.in); m.at++ {
		switch c := m.in[m.at]; c {
		case ' ', '\t', '\r', '\n', ',', ':':
		default:
			return c
		}
	}
	return 0
}

// object masks below the paths, which are relative to it, and notes which of
// them it found something at.
func (m *masker) object(paths []string, hit []bool) {
	m.at++
	for m.next() != '}' {
		name := m.name()
		below, of := make([]string, 0, len(paths)), make([]int, 0, len(paths))
		whole := -1
		for i, path := range paths {
			first, rest, deeper := strings.Cut(path, ".")
			switch {
			case first != name:
			case deeper:
				below, of = append(below, rest), append(of, i)
			default:
				whole = i
			}
		}
		m.member(whole, below, of, hit)
	}
	m.at++
}

// member masks in the value that comes next: all of it, or below some paths.
func (m *masker) member(whole int, below []string, of []int, hit []bool) {
	switch {
	case whole >= 0:
		hit[whole] = m.value(true) || hit[whole]
	case len(below) > 0 && m.next() == '{':
		inner := make([]bool, len(below))
		m.object(below, inner)
		for i, found := range inner {
			hit[of[i]] = hit[of[i]] || found
		}
	default:
		m.value(false)
	}
}

// value passes over the value that comes next, masks the strings in it where it
// is to, and reports whether there were any.
func (m *masker) value(mask bool) (changed bool) {
	switch c := m.next(); c {
	case '{', '[':
		for m.at++; m.next() != c+2; { // in ASCII the bracket that closes is two further on
			if c == '{' {
				m.name()
			}
			changed = m.value(mask) || changed
		}
		m.at++
	case '"':
		from := m.at
		if m.pass(); mask {
			return m.string(from)
		}
	default:
		for m.at < len(m.in) && strings.IndexByte(" \t\r\n,]}", m.in[m.at]) < 0 {
			m.at++
		}
	}
	return changed
}

// pass goes over the string that comes next.
func (m *masker) pass() {
	for m.at++; m.in[m.at] != '"'; m.at++ {
		if m.in[m.at] == '\\' {
			m.at++
		}
	}
	m.at++
}

// name gives the name of the member that comes next.
func (m *masker) name() string {
	from := m.at
	m.pass()
	return unquoted(m.in[from:m.at])
}

func unquoted(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	var s string
	_ = json.Unmarshal(quoted, &s) // it is JSON
	return s
}

// string masks the string that has just been passed; the empty one tells nothing.
func (m *masker) string(from int) bool {
	s := unquoted(m.in[from:m.at])
	if s == "" || strings.HasPrefix(s, maskPrefix) {
		return false
	}
	if m.hash == nil {
		m.hash = hmac.New(sha256.New, m.key)
	}
	m.hash.Reset()
	m.hash.Write([]byte(s))
	var sum [sha256.Size]byte
	m.out = append(append(m.out, m.in[m.done:from]...), `"`+maskPrefix...)
	m.out = append(hex.AppendEncode(m.out, m.hash.Sum(sum[:0])[:12]), '"')
	m.done = m.at
	return true
}

// masked gives the input as the log keeps it, and what was masked in it.
func (l *Log) masked(d model.DecisionRecord) (json.RawMessage, []string) {
	if l.config.Reads == nil {
		return d.Input, nil
	}
	read, ok := l.config.Reads(d)
	if !ok {
		return d.Input, nil
	}
	var unread []string
	for _, path := range personal {
		if !slices.ContainsFunc(read, func(r string) bool { return touches(r, path) }) {
			unread = append(unread, path)
		}
	}
	return Mask(l.mask, d.Input, unread)
}

// touches reports whether who reads the one path reads something of the other.
func touches(read, path string) bool {
	read, _, _ = strings.Cut(read, "[") // subject.teams[_] reads subject.teams
	read = strings.TrimPrefix(strings.TrimPrefix(read, "input"), ".")
	return read == "" || read == path || strings.HasPrefix(path, read+".") || strings.HasPrefix(read, path+".")
}
