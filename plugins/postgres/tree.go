package postgres

import (
	"errors"
	"strings"
)

// PostgreSQL keeps the rule of a view as the tree of its query, written as a
// text: nodes such as {VAR :varno 1}, lists in brackets, and words. This file
// reads that text; columns.go follows what is in it.

// tree is a node with its fields, a list, or a word.
type tree struct {
	node   string // "" for what is no node
	fields map[string]*tree
	list   []*tree
	word   string
}

func (t *tree) field(name string) *tree {
	if t == nil {
		return nil
	}
	return t.fields[name]
}

// items are those of a field that is a list.
func (t *tree) items(name string) []*tree {
	if f := t.field(name); f != nil {
		return f.list
	}
	return nil
}

// number is that of a field, and 0 where there is none.
func (t *tree) number(name string) int {
	f := t.field(name)
	if f == nil {
		return 0
	}
	n := 0
	for _, r := range f.word {
		if r < '0' || r > '9' || n > 1<<40 {
			return 0 // below zero: a column of the system
		}
		n = n*10 + int(r-'0')
	}
	return n
}

// maxDepth bounds how deep a tree is followed.
const maxDepth = 2000

var errTree = errors.New("the rule of a view is written in an unknown way")

// parseTree reads the text of a tree.
func parseTree(text string) (*tree, error) {
	p := treeReader{text: text}
	t := p.next(0)
	if t == nil || p.failed {
		return nil, errTree
	}
	return t, nil
}

type treeReader struct {
	text   string
	failed bool
}

// token takes the next bracket or word. A backslash makes the sign after it a letter.
func (p *treeReader) token() string {
	p.text = strings.TrimLeft(p.text, " \n\t")
	if p.text == "" {
		return ""
	}
	if strings.ContainsRune("(){}", rune(p.text[0])) {
		t := p.text[:1]
		p.text = p.text[1:]
		return t
	}
	end, quoted := 0, p.text[0] == '"'
	for end < len(p.text) {
		c := p.text[end]
		if c == '\\' {
			end += 2
			continue
		}
		if quoted && end > 0 && c == '"' {
			end++
			break
		}
		if !quoted && strings.ContainsRune(" \n\t(){}", rune(c)) {
			break
		}
		end++
	}
	end = min(end, len(p.text))
	t := p.text[:end]
	p.text = p.text[end:]
	return t
}

// next takes the next node, list or word; nil is the end of what is around it.
func (p *treeReader) next(depth int) *tree {
	if p.failed = p.failed || depth > maxDepth; p.failed {
		return nil
	}
	switch t := p.token(); t {
	case "", ")", "}":
		return nil
	case "(":
		l := &tree{}
		for item := p.next(depth + 1); item != nil; item = p.next(depth + 1) {
			l.list = append(l.list, item)
		}
		return l
	case "{":
		return p.node(depth)
	default:
		return &tree{word: t}
	}
}

// node takes the fields of a node up to its end. Of a value of several words
// the first is kept: none of these is followed.
func (p *treeReader) node(depth int) *tree {
	n := &tree{node: p.token(), fields: map[string]*tree{}}
	name := ""
	for value := p.next(depth + 1); value != nil; value = p.next(depth + 1) {
		if key, isName := strings.CutPrefix(value.word, ":"); isName {
			name = key
		} else if n.fields[name] == nil {
			n.fields[name] = value
		}
	}
	return n
}
