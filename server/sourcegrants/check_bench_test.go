package sourcegrants_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// BenchmarkCheck compares a real PostgreSQL with 10,000 rights of 200 roles that it
// was given.
func BenchmarkCheck(b *testing.B) {
	for name, on := range map[string]enginetest.Open{"sqlite": enginetest.SQLite, "mongodb": enginetest.MongoDB} {
		b.Run(name, func(b *testing.B) {
			open = on
			defer func() { open = enginetest.SQLite }()
			benchmarkCheck(b, 200, 50)
		})
	}
}

func benchmarkCheck(b *testing.B, roles, tables int) {
	b.Helper()
	w := newWorld(b, nil)
	w.manyRights(roles, tables)
	w.later(1)
	launched, hour := w.launches.count, 1
	for b.Loop() {
		hour++
		w.Turn(time.Duration(hour) * time.Hour)
		w.Must(w.grants.Tend(w.System()))
	}
	b.ReportMetric(float64(w.launches.count-launched)/float64(b.N), "launches/op")
	page, err := store.SourceGrants.Find(b.Context(), w.Store, store.Query{Index: "by_created", Limit: store.MaxPage})
	w.Must(err)
	for _, row := range page.Nodes {
		if row.State != model.SourceGrantApplied || len(row.Drift) > 0 {
			b.Fatalf("got %+v", row)
		}
	}
}

// manyRights gives every role every table, in the source and in the records.
func (w *world) manyRights(roles, tables int) {
	w.Helper()
	names := make([]string, roles)
	for i := range names {
		names[i] = fmt.Sprintf("%s_%d", w.role, i)
		run(w, w.admin, "create role "+names[i])
	}
	all := strings.Join(names, ", ")
	w.Cleanup(func() { // what the writer gave nobody else takes away
		for _, q := range []string{"drop schema app cascade", "drop role " + all} {
			_, err := w.admin.Exec(context.Background(), q)
			w.Must(err)
		}
	})
	run(w, w.admin, "set role "+w.writer, "grant usage on schema app to "+all, "reset role")
	source := w.source
	writes := []store.Write{store.SourceGrantings.Put(model.SourceGranting{Meta: model.Meta{ID: source.GrantingID()}, SourceID: source.ID, DomainID: source.DomainID})}
	for t := range tables {
		table := fmt.Sprintf("app.t%d", t)
		run(w, w.admin, "create table "+table+" (id int, email text)", "grant select on "+table+" to "+w.writer+" with grant option",
			"set role "+w.writer, "grant select (id, email) on "+table+" to "+all, "reset role")
		asset := model.NewID(model.PrefixAsset)
		for _, role := range names {
			right := &model.SourceRight{Role: role, Namespace: "postgres://shop", Name: w.databaseName() + "." + table, Fields: []string{"id", "email"}}
			row := model.SourceGrant{
				Meta: model.Meta{ID: model.NewID(model.PrefixInSource)}, GrantID: model.NewID(model.PrefixGrant), SourceID: source.ID, DomainID: source.DomainID, AssetID: asset,
				State: model.SourceGrantApplied, Wanted: right, Given: right,
			}
			writes = append(writes, store.SourceGrants.Put(row))
		}
		w.Put(writes...)
		writes = nil
	}
}
