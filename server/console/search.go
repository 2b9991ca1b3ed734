package console

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/souk-mesh/souk/server/console/query"
)

// searchPage is a page of hits.
type searchPage struct {
	Query string
	Found *query.SearchSearchSearchConnection
	Next  string // address of the page after; "" where there is none
}

func (c *Console) search(v *visit) error {
	q := v.URL.Query()
	text := strings.TrimSpace(q.Get("q"))
	shown := searchPage{Query: text}
	if text != "" {
		answer, err := query.Search(v.Context(), c.ask, text, given(q.Get("after")))
		if err != nil {
			return err
		}
		shown.Found = answer.Search
		shown.Next = nextPage(answer.Search.PageInfo, "/search", url.Values{"q": {text}})
	}
	return c.render(v, http.StatusOK, "search", view{Title: "Search", Query: text, Page: shown})
}

// pageInfo is where a page of a list stands.
type pageInfo interface {
	GetHasNextPage() bool
	GetEndCursor() *string
}

// nextPage gives the address of the page after; "" where there is none.
func nextPage(at pageInfo, path string, query url.Values) string {
	cursor := at.GetEndCursor()
	if !at.GetHasNextPage() || cursor == nil {
		return ""
	}
	query.Set("after", *cursor)
	return path + "?" + query.Encode()
}

// given makes an argument of a text; nil where there is none.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
