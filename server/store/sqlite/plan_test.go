package sqlite

import (
	"fmt"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/server/driver/sqlite"
	"github.com/souk-mesh/souk/server/store"
)

// TestPlans asks SQLite how it would run every shape of scan on every declared
// index: it must seek with all that the scan says, and never sort. It looks
// inside because no answer shows how it was found.
func TestPlans(t *testing.T) {
	db, err := open(t.Context(), sqlite.Memory)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	for _, s := range store.Schemas() {
		for _, x := range s.Indexes {
			for _, desc := range []bool{false, true} {
				for _, scan := range shapes(x) {
					f := finder{table: db.tables[s.Kind], plan: &store.Plan{Schema: s, Index: x, Desc: desc}}
					wantSeek(t, db, f, scan)
				}
			}
		}
	}
}

// shapes gives the scans that a plan can have of an index.
func shapes(x store.Index) []store.Scan {
	var list []store.Scan
	for n := 0; n <= len(x.Paths); n++ {
		if n == 0 && x.Multi {
			continue
		}
		scan := store.Scan{Equal: make([]store.Value, n)}
		on := scan
		on.After, on.AfterID = make([]store.Value, len(x.Paths)-n), "x"
		list = append(list, scan, on)
		if n == len(x.Paths) {
			continue
		}
		for _, s := range []store.Scan{scan, on} {
			exists, from, to, between := s, s, s, s
			exists.NotNull, from.NotNull, to.NotNull, between.NotNull = true, true, true, true
			from.From, to.To = "a", "b"
			between.From, between.To = "a", "b"
			list = append(list, exists, from, to, between)
		}
	}
	return list
}

func wantSeek(t *testing.T, db *engine, f finder, scan store.Scan) {
	t.Helper()
	sql, values := f.statement(scan)
	var steps []string
	err := db.file.Read(t.Context(), func(c *sqlite.Conn) error {
		return c.Rows("EXPLAIN QUERY PLAN "+sql, values, func(r sqlite.Row) (bool, error) {
			steps = append(steps, r.Text(3))
			return true, nil
		})
	})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	plan := strings.Join(steps, "; ")
	if strings.Contains(plan, "TEMP B-TREE") {
		t.Errorf("%s\nsorts: %s", sql, plan)
	}
	key := "t."
	if f.plan.Index.Multi {
		key = "x."
	}
	conditions, _ := f.conditions(key, scan)
	for _, c := range conditions {
		if c = plain(c, key); !strings.Contains(steps[0], c) {
			t.Errorf("%s\ndoes not seek with %s: %s", sql, c, plan)
		}
	}
}

// plain writes a condition as EXPLAIN QUERY PLAN does.
func plain(condition, key string) string {
	words := strings.NewReplacer(key, "", `"`, "", " ", "", ">=", ">", "<=", "<").Replace(condition)
	if left, right, ok := strings.Cut(words, ")"); ok { // (a,b)>(?,?), of which one column is shown bare
		left = strings.TrimPrefix(left, "(")
		if !strings.Contains(left, ",") {
			return left + strings.NewReplacer("(", "", ")", "").Replace(right)
		}
		return fmt.Sprintf("(%s)%s", left, right)
	}
	return words
}
