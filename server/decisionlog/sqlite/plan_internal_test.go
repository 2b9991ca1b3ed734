package sqlite

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog/chain"
	"github.com/souk-mesh/souk/server/driver/sqlite"
)

// TestFiltersHaveIndexes asks SQLite how it would read for each filter of the
// graph: by an index, and in the order of the rows, so that a page costs what
// it shows and not the month.
func TestFiltersHaveIndexes(t *testing.T) {
	f := opened(t, sqlite.Memory)
	for _, w := range []struct {
		name   string
		filter chain.Filter
		want   string // the index, or "" for the rows in their order
	}{
		{"domain", chain.Filter{Domain: "sales"}, "row_domain"},
		{"principal", chain.Filter{Principal: "prn_1"}, "row_principal"},
		{"resource", chain.Filter{Resource: "dpr_1"}, "row_resource"},
		{"outcome", chain.Filter{Outcome: model.Deny}, "row_outcome"},
		{"outcome of a time", chain.Filter{Outcome: model.Deny, From: 1, To: 2}, "row_outcome"},
		{"domain of a time", chain.Filter{Domain: "sales", From: 1, To: 2}, "row_domain"},
		{"an action in a domain", chain.Filter{Domain: "sales", Actions: []model.Action{model.ActDataRead}}, "row_domain"},
		{"what can be replayed", chain.Filter{Domain: "sales", From: 1, WithInput: true}, "row_domain"},
		{"everything", chain.Filter{}, ""},
	} {
		for way, q := range map[string]chain.Query{
			"newest first": {Filter: w.filter, Desc: true, Limit: 51}, "next page": {Filter: w.filter, Desc: true, After: 900, Limit: 51},
			"oldest first": {Filter: w.filter, Limit: 51},
		} {
			t.Run(w.name+", "+way, func(t *testing.T) {
				plan := planOf(t, f, q)
				if strings.Contains(plan, "TEMP B-TREE") || strings.Contains(plan, "AUTOMATIC") {
					t.Errorf("it sorts: %s", plan)
				}
				if w.want != "" && !strings.Contains(plan, "INDEX "+w.want+" ") {
					t.Errorf("got %s, want a search by %s", plan, w.want)
				}
			})
		}
	}
}

// TestOldFilesGetIndexes opens a file that lacks the latest ones.
func TestOldFilesGetIndexes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "2026-11.db")
	f := opened(t, path)
	for _, name := range []string{"row_domain", "row_outcome"} {
		if err := f.Write(func(c *sqlite.Conn) error { return c.Run("DROP INDEX " + name) }); err != nil {
			t.Fatal(err)
		}
	}
	again := opened(t, path)
	for _, filter := range []chain.Filter{{Domain: "sales"}, {Outcome: model.Deny}} {
		if plan := planOf(t, again, chain.Query{Filter: filter, Limit: 51}); !strings.Contains(plan, "INDEX row_") {
			t.Errorf("got %s, want an index", plan)
		}
	}
}

func opened(t *testing.T, path string) *sqlite.File {
	t.Helper()
	f, err := openFile(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// planOf lets SQLite tell how it reads for a query.
func planOf(t *testing.T, f *sqlite.File, q chain.Query) string {
	t.Helper()
	sql, values := render(q)
	var steps []string
	err := query(t.Context(), f, "EXPLAIN QUERY PLAN "+sql, values, func(r sqlite.Row) (bool, error) {
		steps = append(steps, r.Text(3))
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(steps, "; ")
}
