package amundsen

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// failing is how many tables in a row may be answered by an error of the service
// before the service itself is taken for broken.
const failing = 5

// service is one harvest of the services.
type service struct {
	*source
	*writer
	found     map[string]bool // keys of tables that have been found
	queue     []hit           // found, and not asked for
	boards    []string
	failures  int // in a row
	noLineage int // tables in a row of which no lineage was told
	told      bool
	open      map[string]bool // scopes that are not shown whole
}

// hit is a table as a listing names it.
type hit struct {
	place
	Table       string   `json:"table"` // the name, as the search service calls it
	Key         string   `json:"key"`
	URI         string   `json:"uri"` // of a dashboard
	Description string   `json:"description"`
	Tags        []string `json:"tag"`
	Badges      []string `json:"badges"`
}

// harvest finds the tables and dashboards, and then asks for each.
func (s *service) harvest(ctx context.Context) error {
	s.open = map[string]bool{}
	find := s.walk
	if s.search != nil {
		find = s.listed
	}
	if err := find(ctx); err != nil {
		return err
	}
	for len(s.queue) > 0 {
		next := s.queue[0]
		s.queue = s.queue[1:]
		if err := s.one(ctx, next); err != nil {
			return err
		}
	}
	for _, uri := range once(s.boards) {
		if err := s.board(ctx, uri); err != nil {
			return err
		}
	}
	for _, scope := range []string{tableScope, lineageScope, dashboardScope} {
		if s.open[scope] || scope == lineageScope && !s.Lineage {
			continue
		}
		if err := s.out.ScopeDone(scope); err != nil {
			return err
		}
	}
	return nil
}

// add keeps a table that has been found.
func (s *service) add(h hit) {
	h.Name = cmp.Or(h.Name, h.Table)
	key := cmp.Or(h.Key, h.key())
	if h.Database == "" || h.Name == "" {
		p, known := parseKey(key)
		if !known {
			return
		}
		h.place = p
	}
	h.Key = key
	if s.found[key] {
		return
	}
	s.found[key] = true
	s.places[key] = h.place
	s.queue = append(s.queue, h)
}

// one asks for a table and its lineage.
func (s *service) one(ctx context.Context, h hit) error {
	var t table
	err := s.client.Into(ctx, web.Request{Path: "/table/" + url.PathEscape(h.Key)}, &t)
	switch status := web.Status(err); {
	case status == http.StatusNotFound && s.search == nil:
		return nil // named by lineage alone
	case status == http.StatusNotFound:
		// Neo4j answers so for a table without columns, too; the index knows it.
		t, err = h.table(), nil
	case status == http.StatusForbidden, status == http.StatusInternalServerError:
		return s.unread(h, err)
	}
	if err != nil {
		return err
	}
	s.failures = 0
	if t.Database == "" || t.Name == "" {
		t.place = h.place
	}
	if err := s.table(t); err != nil || !s.Lineage {
		return err
	}
	return s.lineage(ctx, h.Key, t)
}

// table is what a listing alone tells of a table.
func (h hit) table() table {
	t := table{place: h.place, Description: h.Description}
	for _, word := range h.Tags {
		t.Tags = append(t.Tags, tag{word})
	}
	for _, word := range h.Badges {
		t.Badges = append(t.Badges, badge{word})
	}
	return t
}

// unread notes a table that is there and cannot be read; after several in a row
// it is the service that is out of order.
func (s *service) unread(h hit, err error) error {
	if s.failures++; s.failures >= failing {
		return err
	}
	if err := s.holder(h.place); err != nil {
		return err
	}
	return s.out.Note(sdk.Note{
		Level: sdk.ErrorLevel, Code: "amundsen.unread", Title: "A table is listed, and the metadata service does not give it.",
		Sample: h.Key + ": " + err.Error(), Scope: tableScope, Asset: s.writer.names.of(h.place),
	})
}

// lineageAnswer is what is above and below a table or a column.
type lineageAnswer struct {
	Up   []lineageItem `json:"upstream_entities"`
	Down []lineageItem `json:"downstream_entities"`
}

type lineageItem struct {
	Key   string `json:"key"`
	Level int    `json:"level"`
}

// ask asks for lineage. The service wants a body in JSON, though it is a GET, and
// calls every failure 404.
func (s *service) ask(ctx context.Context, path, direction string) (lineageAnswer, error) {
	request := web.Request{
		Path: path + "/lineage", Query: url.Values{"direction": {direction}, "depth": {"1"}},
		Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte("{}"),
	}
	var answer lineageAnswer
	err := s.client.Into(ctx, request, &answer)
	near := func(i lineageItem) bool { return i.Level > 1 || i.Key == "" }
	return lineageAnswer{slices.DeleteFunc(answer.Up, near), slices.DeleteFunc(answer.Down, near)}, err
}

// lineage tells what is above and below a table, with the columns where they are asked for.
func (s *service) lineage(ctx context.Context, key string, t table) error {
	if s.noLineage >= failing {
		return nil
	}
	direction := "upstream"
	if s.search == nil {
		direction = "both" // which finds tables
	}
	answer, err := s.ask(ctx, "/table/"+url.PathEscape(key), direction)
	if err != nil {
		return s.withoutLineage(key, err)
	}
	s.noLineage, s.told = 0, true
	above, err := s.columns(ctx, key, t)
	if err != nil {
		return err
	}
	for _, from := range answer.Up {
		s.meet(from.Key)
		above[from.Key] = append(above[from.Key], sdk.FieldEdge{})
	}
	for _, from := range slices.Sorted(maps.Keys(above)) {
		columns := slices.DeleteFunc(above[from], func(f sdk.FieldEdge) bool { return f.From == "" })
		if err := s.derived(from, key, columns...); err != nil {
			return err
		}
	}
	for _, to := range answer.Down {
		s.meet(to.Key)
		if s.ColumnLineage {
			continue // the table below tells it with its columns
		}
		if err := s.derived(key, to.Key); err != nil {
			return err
		}
	}
	return nil
}

// meet follows lineage to tables that nobody has named.
func (s *service) meet(key string) {
	if s.search == nil {
		s.add(hit{Key: key})
	}
}

// withoutLineage goes on where a backend tells no lineage. What was known of it stays.
func (s *service) withoutLineage(key string, err error) error {
	switch web.Status(err) {
	case http.StatusNotFound, http.StatusForbidden, http.StatusInternalServerError, http.StatusNotImplemented:
	default:
		return err
	}
	s.open[lineageScope] = true
	if !s.told {
		s.noLineage++
	}
	return s.out.Note(sdk.Note{Level: sdk.ErrorLevel, Code: "amundsen.no_lineage", Title: "The metadata service does not tell the lineage of a table.", Sample: key + ": " + err.Error(), Scope: lineageScope})
}

// columns asks of which columns of other tables each column is made, by the key of the table.
func (s *service) columns(ctx context.Context, key string, t table) (map[string][]sdk.FieldEdge, error) {
	made := map[string][]sdk.FieldEdge{}
	if !s.ColumnLineage {
		return made, nil
	}
	for _, f := range fields(t.Columns) {
		answer, err := s.ask(ctx, "/table/"+url.PathEscape(key)+"/column/"+url.PathEscape(f.Name), "upstream")
		if err != nil {
			return made, s.withoutLineage(key+"/"+f.Name, err)
		}
		for _, from := range answer.Up {
			if table, name := s.column(from.Key); name != "" {
				made[table] = append(made[table], sdk.FieldEdge{From: name, To: f.Name})
			}
		}
	}
	return made, nil
}

func (s *service) board(ctx context.Context, uri string) error {
	var d dashboard
	err := s.client.Into(ctx, web.Request{Path: "/dashboard/" + url.PathEscape(uri)}, &d)
	switch web.Status(err) {
	case http.StatusNotFound:
		return nil // it has gone since it was listed
	case http.StatusForbidden, http.StatusInternalServerError:
		return s.out.Note(sdk.Note{
			Level: sdk.ErrorLevel, Code: "amundsen.unread", Title: "A dashboard is listed, and the metadata service does not give it.",
			Sample: uri + ": " + err.Error(), Scope: dashboardScope, Asset: s.writer.names.dashboard(uri),
		})
	}
	if err != nil {
		return err
	}
	if d.URI = cmp.Or(d.URI, uri); strings.TrimSpace(d.URI) == "" {
		return nil
	}
	return s.dashboard(d)
}

// part notes a part that is not shown whole, which keeps its scope open.
func (s *service) part(scope, code, title string, err error) error {
	s.open[scope] = true
	if _, ours := errors.AsType[*sdk.Error](err); err != nil && !ours {
		return err
	}
	sample := ""
	if err != nil {
		sample = err.Error()
	}
	return s.out.Note(sdk.Note{Level: sdk.ErrorLevel, Code: code, Title: title, Sample: sample, Scope: scope})
}
