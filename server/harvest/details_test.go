package harvest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// everything is a view with something in every place, what holds it, a job that
// makes it, and the test of it.
var everything = []string{
	`asset {"id":{"namespace":"postgres://db.example:5432","name":"shop.public"},"scope":"public","kind":"SCHEMA","rank":10,"shortName":"public"}`,
	`asset {"id":{"namespace":"postgres://db.example:5432","name":"shop.public.totals"},"scope":"public","kind":"VIEW","rank":10,"shortName":"totals",
 "parent":{"namespace":"postgres://db.example:5432","name":"shop.public"}, "fields":[{"name":"state","position":1,"values":["new","paid"]}],
 "constraints":[{"name":"c","kind":"CHECK","fields":["state"],"expression":"state <> ''"}], "indexes":[{"name":"i","fields":["state"],"unique":true,"expression":"lower(state)","method":"btree"}],
 "definition":"SELECT state FROM orders","definitionLanguage":"sql","bytes":8192,"changedAt":"2026-01-02T03:04:05.0061Z",
 "freshness":{"warnAfter":43200000000000,"errorAfter":86400000000000,"field":"at"}, "usage":{"reads":7,"users":2,"from":"2026-01-01T00:00:00Z"}, "stableId":"oid:16384"}`,
	`asset {"id":{"namespace":"postgres://db.example:5432","name":"shop.jobs.refresh"},"scope":"public","kind":"JOB","rank":10,"shortName":"refresh",
 "runs":[{"id":"2","state":"FAILED","started":"2026-01-02T03:04:05Z","ended":"2026-01-02T03:05:05Z","message":"no space left"},{"id":"1","state":"SUCCEEDED"}]}`,
	`flow {"from":{"namespace":"postgres://db.example:5432","name":"shop.jobs.refresh"},"to":{"namespace":"postgres://db.example:5432","name":"shop.public.totals"},"scope":"public","kind":"DERIVES","method":"script","confidence":1,
 "fields":[{"from":"a","to":"state","transform":"max(a)"}]}`,
	`test {"asset":{"namespace":"postgres://db.example:5432","name":"shop.public.totals"},"scope":"public","key":"k","name":"accepted","rule":"accepted_values","arguments":{"values":"new, paid"}}`,
	"done public",
}

// oneLine joins what is written on several lines to be read.
func oneLine(texts []string) []string {
	lines := slices.Clone(texts)
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], "\n", "")
	}
	return lines
}

// TestEverythingThatASourceKnowsIsKept follows every place from the pipe to the store.
func TestEverythingThatASourceKnowsIsKept(t *testing.T) {
	w := newWorld(t)
	source := w.source()
	w.succeed(source, oneLine(everything)...)
	byName := map[string]model.Asset{}
	for a, err := range store.Assets.All(t.Context(), w.store, store.Query{Index: "by_name"}) {
		if err != nil {
			t.Fatal(err)
		}
		byName[a.Name] = a
	}
	view, job := byName["shop.public.totals"], byName["shop.jobs.refresh"]
	size, changed, from := int64(8192), at("2026-01-02T03:04:05.006Z"), at("2026-01-01T00:00:00Z")
	want := model.AssetDetails{
		ParentID: byName["shop.public"].ID, Definition: "SELECT state FROM orders", DefinitionLanguage: "sql", Bytes: &size, ChangedAt: &changed,
		Constraints: []model.AssetConstraint{{Name: "c", Kind: model.ConstraintCheck, Fields: []string{"state"}, Expression: "state <> ''"}},
		Indexes:     []model.AssetIndex{{Name: "i", Fields: []string{"state"}, Unique: true, Expression: "lower(state)", Method: "btree"}},
		Freshness:   &model.Freshness{WarnAfter: 12 * time.Hour, ErrorAfter: 24 * time.Hour, Field: "at"},
		Usage:       &model.Usage{Reads: 7, Users: 2, From: &from},
	}
	if diff := cmp.Diff(want, view.AssetDetails); diff != "" || want.ParentID == "" {
		t.Error(diff)
	}
	if s := view.Sightings[0]; s.StableID != "oid:16384" || !cmp.Equal(s.AssetDetails, want) || !cmp.Equal(view.Fields[0].Values, []string{"new", "paid"}) {
		t.Errorf("got %+v", s)
	}
	started, ended := at("2026-01-02T03:04:05Z"), at("2026-01-02T03:05:05Z")
	runs := []model.JobRun{{ID: "2", State: model.JobFailed, Started: &started, Ended: &ended, Message: "no space left"}, {ID: "1", State: model.JobSucceeded}}
	if diff := cmp.Diff(runs, job.Runs); diff != "" {
		t.Error(diff)
	}
	for e, err := range store.Edges.All(t.Context(), w.store, store.Query{Index: "by_from", Where: store.Eq("from", string(job.ID))}) {
		if err != nil || !cmp.Equal(e.Evidence[0].Fields, []model.FieldFlow{{From: "a", To: "state", Transform: "max(a)"}}) {
			t.Errorf("got %+v, %v", e, err)
		}
	}
	for q, err := range store.QualityRules.All(t.Context(), w.store, store.Query{Index: "by_asset"}) {
		if err != nil || !cmp.Equal(q.Arguments, map[string]string{"values": "new, paid"}) {
			t.Errorf("got %+v, %v", q, err)
		}
	}
	if run := w.succeed(source, oneLine(everything)...); run.Counts.Unchanged != 3 || run.Counts.Updated+run.Counts.Created != 0 {
		t.Errorf("the second run: %+v", run.Counts)
	}
}

func at(text string) time.Time {
	when, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return when
}

// TestWhatIsGoneOfAnAssetGoes: places that a source stops to fill are emptied,
// and those of a retired asset stay readable.
func TestWhatIsGoneOfAnAssetGoes(t *testing.T) {
	w := newWorld(t)
	source := w.source()
	w.succeed(source, oneLine(everything)...)
	w.succeed(source, `asset {"id":{"namespace":"postgres://db.example:5432","name":"shop.public.totals"},"scope":"public","kind":"VIEW","rank":10,"shortName":"totals"}`, "done public")
	for a, err := range store.Assets.All(t.Context(), w.store, store.Query{Index: "by_name"}) {
		if err != nil {
			t.Fatal(err)
		}
		switch a.Name {
		case "shop.public.totals":
			if diff := cmp.Diff(model.AssetDetails{}, a.AssetDetails, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		case "shop.jobs.refresh":
			if a.Status != model.AssetRetired || len(a.Runs) != 2 {
				t.Errorf("got %+v", a)
			}
		}
	}
}
