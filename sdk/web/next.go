package web

import (
	"maps"
	"net/url"
	"strconv"
	"strings"
)

// NextLink follows a link that stands in the answer, whole or from the root of
// the host on. One to another host is an error.
func NextLink(keys ...string) Next {
	return func(p Page) (Request, bool, error) { return p.linked(textAt(p, keys)) }
}

// NextHeader follows the link of the header Link with rel="next" (RFC 8288).
func NextHeader() Next {
	return func(p Page) (Request, bool, error) {
		for _, header := range p.Header.Values("Link") {
			for link := range strings.SplitSeq(header, ",") {
				target, attributes, _ := strings.Cut(link, ";")
				target = strings.TrimSpace(target)
				if isNext(attributes) && strings.HasPrefix(target, "<") && strings.HasSuffix(target, ">") {
					return p.linked(strings.Trim(target, "<>"))
				}
			}
		}
		return Request{}, false, nil
	}
}

func isNext(attributes string) bool {
	for attribute := range strings.SplitSeq(attributes, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(attribute), "=")
		if strings.EqualFold(name, "rel") && strings.EqualFold(strings.Trim(value, `" `), "next") {
			return true
		}
	}
	return false
}

// linked is the request for a link. It is resolved against the host alone.
func (p Page) linked(link string) (Request, bool, error) {
	if link == "" {
		return Request{}, false, nil
	}
	r := p.Request
	r.URL, r.Path, r.Query = link, "", nil
	return r, true, nil
}

// NextCursor asks again with a value of the answer as a parameter, until there is none.
func NextCursor(parameter string, keys ...string) Next {
	return func(p Page) (Request, bool, error) {
		cursor := textAt(p, keys)
		return p.with(parameter, cursor), cursor != "", nil
	}
}

// NextOffset asks for what follows the items that came, as a number of items,
// until a page is empty or the listing has as many as the answer says in total.
// A page that is short is no end: a source may give less than was asked for.
func NextOffset(parameter string, total ...string) Next {
	return func(p Page) (Request, bool, error) {
		at, _ := strconv.Atoi(p.Request.Query.Get(parameter))
		at += p.Count
		if n, err := strconv.Atoi(textAt(p, total)); err == nil && at >= n {
			return Request{}, false, nil
		}
		return p.with(parameter, strconv.Itoa(at)), p.Count > 0, nil
	}
}

// NextNumber asks for pages by their number until one is empty.
func NextNumber(parameter string) Next {
	return func(p Page) (Request, bool, error) {
		n, err := strconv.Atoi(p.Request.Query.Get(parameter))
		if err != nil {
			n = 1
		}
		return p.with(parameter, strconv.Itoa(n+1)), p.Count > 0, nil
	}
}

// with is the request of the page with another value of one parameter.
func (p Page) with(parameter, value string) Request {
	query := url.Values{}
	maps.Copy(query, p.Request.Query)
	query.Set(parameter, value)
	r := p.Request
	r.Query = query
	return r
}
