package resolver_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// TestWhoseWordIsWhose reads an asset that two sources show.
func TestWhoseWordIsWhose(t *testing.T) {
	w := newWorld(t)
	a, err := store.Assets.Get(t.Context(), w.Store, w.assets[0].ID)
	w.Must(err)
	now := model.Now()
	a.Sightings = []model.Sighting{
		{SourceID: w.source.ID, DomainID: a.DomainID, Scope: "database:shop", Rank: model.RankHolder, Kind: model.KindTable, OwnerRoles: []string{"loader"}, Fields: []model.AssetField{{Name: "email", NativeType: "text"}}},
		{
			SourceID: "src_elsewhere", DomainID: a.DomainID, Scope: "project:shop", Rank: model.RankBuilder, Owners: []string{"ana"}, Description: "From the project.", UnlistedSince: &now,
			Fields: []model.AssetField{{Name: "email", Description: "An address.", Tags: []string{"pii"}, Meta: map[string]string{"b": "2", "a": "1"}}},
		},
	}
	a.Settle(now)
	w.put(store.Assets.Put(a))
	a.Revision++
	got := w.ok("cy", `query($id: ID!) { asset(id: $id) {
		owners ownerRoles describedBy { name }
		fields { name nativeType description tags meta { name value } describedBy { name } }
		sightings { source { name } owners ownerRoles unlistedSince fields { name description } }
	} }`, vars{"id": a.ID})
	name := string(w.source.Name)
	want := map[string]any{
		"owners": []any{"ana"}, "ownerRoles": []any{"loader"}, "describedBy": nil, // the viewer does not see that source
		"fields": []any{map[string]any{
			"name": "email", "nativeType": "text", "description": "An address.", "tags": []any{"pii"}, "describedBy": nil,
			"meta": []any{map[string]any{"name": "a", "value": "1"}, map[string]any{"name": "b", "value": "2"}},
		}},
		"sightings": []any{
			map[string]any{"source": map[string]any{"name": name}, "owners": []any{}, "ownerRoles": []any{"loader"}, "unlistedSince": nil, "fields": []any{map[string]any{"name": "email", "description": ""}}},
			map[string]any{"source": nil, "owners": []any{"ana"}, "ownerRoles": []any{}, "unlistedSince": now.Format(time.RFC3339Nano), "fields": []any{map[string]any{"name": "email", "description": "An address."}}},
		},
	}
	if diff := cmp.Diff(any(want), got.at("asset")); diff != "" {
		t.Error(diff)
	}
	a.Sightings[0].Fields[0].Description = "The database's word."
	a.Settle(now)
	w.put(store.Assets.Put(a))
	got = w.ok("cy", `query($id: ID!) { asset(id: $id) { fields { description describedBy { name } } } }`, vars{"id": a.ID})
	if got.at("asset.fields.0.describedBy.name") != name {
		t.Errorf("got %s, want the database's word", got.text)
	}
	w.ok("cy", `{ harvestRuns(first: 5, filter: {status: PARTIAL}) { nodes { status } } }`, nil)
}

func (w *world) put(writes ...store.Write) {
	w.Helper()
	_, err := w.Store.Apply(w.Context(), store.Change{Actor: "prn_system", Action: "test", Writes: writes})
	w.Must(err)
}
