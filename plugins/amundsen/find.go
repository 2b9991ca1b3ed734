package amundsen

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// What Elasticsearch gives of one search, and in one page.
const (
	window   = 10_000
	pageSize = 100
)

// filter is what the search service narrows a search by.
type filter struct {
	Name      string   `json:"name"`
	Values    []string `json:"values"`
	Operation string   `json:"operation"`
}

// asked is a search.
type asked struct {
	Term    string         `json:"query_term"`
	Types   []string       `json:"resource_types"`
	Page    int            `json:"page_index"`
	Size    int            `json:"results_per_page"`
	Filters []filter       `json:"filters"`
	Options map[string]any `json:"highlight_options"`
}

// searched hands on what a search gives, up to what Elasticsearch shows of one,
// and tells how many there are; at the window, there may be any number.
func (s *source) searched(ctx context.Context, kind string, filters []filter, size int, found func(hit) error) (total int, err error) {
	if filters == nil {
		filters = []filter{}
	}
	question := asked{Types: []string{kind}, Size: size, Filters: filters, Options: map[string]any{}}
	request := func() (web.Request, error) {
		return web.Request{Method: http.MethodPost, Path: "/v2/search", Asks: true}.JSON(question)
	}
	first, err := request()
	if err != nil {
		return 0, err
	}
	list := web.List{First: first, Items: []string{"results", kind, "results"}, Whole: true, Next: func(p web.Page) (web.Request, bool, error) {
		all, counted := number(web.At(p.Rest, "results", kind, "total_results"))
		if !counted { // as that of Atlas: the end is a page that is empty
			all = total + p.Count
		}
		total = all
		question.Page++
		next, err := request()
		end := (question.Page + 1) * size
		return next, size > 1 && p.Count > 0 && (question.Page*size < total || !counted) && end <= window, err
	}}
	for h, err := range web.Items[hit](ctx, s.search, list) {
		if web.Status(err) == http.StatusMethodNotAllowed { // one that knows the way, and not by POST
			err = sdk.Config("search", "leads to a search service before 3.0, which lists no tables", "take it out, and tables are found without it; or give a folder with the files of databuilder")
		}
		if err != nil {
			return total, err
		}
		if err := found(h); err != nil {
			return total, err
		}
	}
	return total, nil
}

func number(value any) (int, bool) {
	n, _ := value.(json.Number)
	i, err := n.Int64()
	return int(i), err == nil
}

// listed finds all tables and dashboards by the search service.
func (s *service) listed(ctx context.Context) error {
	keep := func(h hit) error {
		s.add(h)
		return nil
	}
	total, err := s.searched(ctx, "table", nil, pageSize, keep)
	if err != nil {
		return err
	}
	if total >= window {
		if err := s.bySchema(ctx, keep); err != nil {
			return err
		}
		err := s.part(tableScope, "amundsen.window", "There are more tables than a search shows; they were listed by the schemas among the first 10,000, and others may be missing.", nil)
		if err != nil {
			return err
		}
	} else if len(s.found) < total {
		if err := s.part(tableScope, "amundsen.fewer", "The search shows fewer tables than it counts.", nil); err != nil {
			return err
		}
	}
	_, err = s.searched(ctx, "dashboard", nil, pageSize, func(h hit) error {
		s.boards = append(s.boards, h.URI)
		return nil
	})
	if e := web.Status(err); err != nil && (e == 0 || e == http.StatusInternalServerError) {
		// An index that is not there is told by an answer without a list.
		return s.part(dashboardScope, "amundsen.no_dashboards", "The search service lists no dashboards.", err)
	}
	return err
}

// bySchema lists the tables of each schema that has been seen.
func (s *service) bySchema(ctx context.Context, keep func(hit) error) error {
	schemas := map[string]place{}
	for _, h := range s.queue {
		schemas[h.schemaKey()] = h.place
	}
	for _, key := range slices.Sorted(maps.Keys(schemas)) {
		p := schemas[key]
		if _, err := s.searched(ctx, "table", []filter{exactly("database", p.Database), exactly("cluster", p.Cluster), exactly("schema", p.Schema)}, pageSize, keep); err != nil {
			return err
		}
		if err := s.out.Progress(int64(len(s.found)), 0, "listing"); err != nil {
			return err
		}
	}
	return nil
}

// exactly is a filter for one value: the service takes it for a pattern.
func exactly(name, value string) filter {
	return filter{name, []string{strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`).Replace(value)}, "OR"}
}

// related are the resources that a person has to do with.
type related struct {
	Tables     []hit `json:"table"`
	Dashboards []hit `json:"dashboard"`
}

// walk finds tables without a search service: from people, from what is popular,
// and from what the configuration names; lineage leads on from there.
func (s *service) walk(ctx context.Context) error {
	for _, scope := range []string{tableScope, lineageScope, dashboardScope} {
		if err := s.part(scope, "amundsen.not_all", "Without a search service not everything may be found, and nothing is taken for gone.", nil); err != nil {
			return err
		}
	}
	for _, key := range s.Tables {
		s.add(hit{Key: key})
	}
	var popular struct {
		Tables     []hit `json:"Table"`
		Dashboards []hit `json:"Dashboard"`
	}
	query := url.Values{"limit": {"10000"}, "types": {"table,dashboard"}}
	if err := s.perhaps(s.client.Into(ctx, web.Request{Path: "/popular_resources/", Query: query}, &popular)); err != nil {
		return err
	}
	s.take(related{popular.Tables, popular.Dashboards})
	var users []person
	if err := s.perhaps(s.client.Into(ctx, web.Request{Path: "/user"}, &users)); err != nil {
		return err
	}
	for _, user := range people(users) {
		for _, what := range []string{"own", "follow", "read"} {
			var r related
			if err := s.perhaps(s.client.Into(ctx, web.Request{Path: "/user/" + url.PathEscape(user) + "/" + what + "/"}, &r)); err != nil {
				return err
			}
			s.take(r)
		}
	}
	return nil
}

// perhaps goes on where a backend does not have a listing: none of them is whole.
func (s *service) perhaps(err error) error {
	switch web.Status(err) {
	case http.StatusNotFound, http.StatusInternalServerError, http.StatusNotImplemented:
		return s.out.Note(sdk.Note{Level: sdk.WarnLevel, Code: "amundsen.no_listing", Title: "The metadata service lacks a listing by which tables are found.", Sample: err.Error()})
	}
	return err
}

func (s *service) take(r related) {
	for _, h := range r.Tables {
		s.add(h)
	}
	for _, h := range r.Dashboards {
		s.boards = append(s.boards, h.URI)
	}
}
