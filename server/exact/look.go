package exact

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
)

const (
	fewNames  = 16  // of one object, compared one by one
	maxDigits = 100 // of one number
)

// look goes over a text that is known to be JSON, once, and stops at the first
// fault.
type look struct {
	text    []byte
	at      int
	unknown Unknown
	path    []step
	later   bool // looking over raw text that is read later
	fault   error
}

// step is one of the way down: a member, or an item of a list.
type step struct {
	name  []byte
	index int
}

// value looks at what comes next, of which the node knows.
func (l *look) value(n *node) {
	if n != nil && n.later && !l.later {
		l.later = true
		defer func() { l.later = false }()
	}
	switch l.next() {
	case '{':
		l.object(n)
	case '[':
		l.list(n)
	case '"':
		l.string()
	case 't', 'f', 'n':
		for l.at < len(l.text) && l.text[l.at] >= 'a' && l.text[l.at] <= 'z' {
			l.at++
		}
	default:
		l.number()
	}
}

// next passes over blank space and gives the byte behind it.
func (l *look) next() byte {
	for l.at < len(l.text) {
		switch c := l.text[l.at]; c {
		case ' ', '\t', '\r', '\n':
			l.at++
		default:
			return c
		}
	}
	return 0
}

func (l *look) list(n *node) {
	var each *node
	if n != nil {
		each = n.each
	}
	l.at++
	for i := 0; l.fault == nil; i++ {
		switch l.next() {
		case ']':
			l.at++
			return
		case ',':
			l.at++
		}
		l.path = append(l.path, step{index: i})
		l.value(each)
		l.path = l.path[:len(l.path)-1]
	}
}

func (l *look) object(n *node) {
	l.at++
	var seen names
	for l.fault == nil {
		switch l.next() {
		case '}':
			l.at++
			return
		case ',':
			l.at++
			l.next()
		}
		name := l.string()
		l.path = append(l.path, step{name: name})
		if !l.later && seen.add(name) {
			l.refuse("is given twice", "give each member once")
		}
		inner := l.member(n, name)
		l.next() // the colon
		l.at++
		if l.fault == nil {
			l.value(inner)
		}
		l.path = l.path[:len(l.path)-1]
	}
}

// member gives what is known of a member, or finds fault with its name.
func (l *look) member(n *node, name []byte) *node {
	if n == nil {
		return nil
	}
	if n.members == nil {
		return n.each
	}
	inner, known := n.members[string(name)]
	if known {
		return inner
	}
	if i := slices.IndexFunc(n.names, func(own string) bool { return strings.EqualFold(own, string(name)) }); i >= 0 {
		l.refuse("differs from "+n.names[i]+" in small and capital letters alone", "write "+n.names[i])
	} else if l.unknown == Refused {
		l.refuse("is no member that is known here", model.DidYouMean(string(name), n.names))
	}
	return nil
}

// string gives the string that comes next.
func (l *look) string() []byte {
	begin, escaped := l.at, false
	for l.at++; l.text[l.at] != '"'; l.at++ {
		if l.text[l.at] == '\\' {
			escaped = true
			l.at++
		}
	}
	l.at++
	if !escaped {
		return l.text[begin+1 : l.at-1]
	}
	var s string
	_ = json.Unmarshal(l.text[begin:l.at], &s) // it is JSON
	return []byte(s)
}

// number refuses what cannot be compared exactly, or costs too much to: no rule
// and no column has such a number.
func (l *look) number() {
	begin := l.at
	for l.at < len(l.text) && strings.IndexByte("+-.0123456789eE", l.text[l.at]) >= 0 {
		l.at++
	}
	if l.at == begin { // no JSON, which has been looked at before; never go round for ever
		l.fault = model.Invalid(whole, "is not one well-formed JSON value", "")
		return
	}
	if text := l.text[begin:l.at]; len(text) < 19 && !bytes.ContainsAny(text, "eE") {
		return
	}
	digits := string(l.text[begin:l.at])
	f, err := strconv.ParseFloat(digits, 64)
	switch {
	case len(digits) > maxDigits:
		l.refuse("is a number of more than "+strconv.Itoa(maxDigits)+" digits", "send it as a string")
	case err != nil || math.IsInf(f, 0):
		l.refuse("is a number out of range", "numbers reach to 1.7e308; send it as a string")
	case f == 0 && strings.ContainsAny(mantissa(digits), "123456789"):
		l.refuse("is a number too close to zero", "numbers reach down to 5e-324; send it as a string")
	}
}

func mantissa(digits string) string {
	if i := strings.IndexAny(digits, "eE"); i >= 0 {
		return digits[:i]
	}
	return digits
}

func (l *look) refuse(message, hint string) {
	if l.fault == nil && !l.later {
		l.fault = model.Invalid(l.place(), message, hint)
	}
}

// place writes the path: evaluations[2].subject.id.
func (l *look) place() string {
	var b strings.Builder
	for _, s := range l.path {
		switch {
		case s.name == nil:
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
			continue
		case b.Len() > 0:
			b.WriteByte('.')
		}
		b.WriteString(clip(string(s.name)))
	}
	return clip(orWhole(b.String()))
}

// names are those that an object has shown so far.
type names struct {
	few  [fewNames][]byte
	n    int
	many map[string]bool
}

// add takes a name in and reports whether it was there.
func (n *names) add(name []byte) bool {
	if n.n < fewNames {
		for _, other := range n.few[:n.n] {
			if bytes.Equal(other, name) {
				return true
			}
		}
		n.few[n.n] = name
		n.n++
		return false
	}
	if n.many == nil {
		n.many = make(map[string]bool, 2*fewNames)
		for _, f := range n.few {
			n.many[string(f)] = true
		}
	}
	was := n.many[string(name)]
	n.many[string(name)] = true
	return was
}
