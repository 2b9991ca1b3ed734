package sqllineage

import "strings"

// star reads an item that stands for several columns.
func (p *parser) star(at span) (item, bool) {
	it := item{span: at, star: true}
	i := at.start
	for isName(p.get(i)) && p.get(i+1).Is(".") && i+1 < at.end {
		it.of = append(it.of, p.text(p.get(i)))
		i += 2
	}
	if i >= at.end || !p.get(i).Is("*") {
		return item{}, false
	}
	here := p.at
	defer func() {
		if p.why == "" {
			p.at = here
		}
	}()
	for p.at = i + 1; p.at < at.end; {
		p.changes(&it)
	}
	return it, true
}

// changes reads EXCEPT, EXCLUDE, REPLACE and RENAME behind a star.
func (p *parser) changes(it *item) {
	word := p.peek().Text
	p.at++
	switch {
	case word == "except" || word == "exclude":
		if p.peek().Is("(") {
			it.except = append(it.except, p.names()...)
			return
		}
		it.except = append(it.except, p.text(p.peek()))
		p.at++
	case word == "replace" && p.take("("):
		for _, at := range p.list(func() bool { return p.peek().Is(")") }) {
			it.swap = append(it.swap, p.item(at))
		}
		p.at++
	case word == "rename" && p.peek().Is("("):
		it.rename = map[string]string{}
		for p.at++; p.at < len(p.tokens) && !p.take(")"); p.at++ {
			if p.peek().Is("as") {
				it.rename[strings.ToLower(p.text(p.get(p.at-1)))] = p.text(p.get(p.at + 1))
			}
		}
	default:
		p.fail("a star with " + word)
	}
}
