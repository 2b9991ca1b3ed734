package model_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
)

// TestWhoseWord: what several sources say of one asset stays theirs.
func TestWhoseWord(t *testing.T) {
	db := model.Sighting{
		SourceID: "src_db", Rank: model.RankHolder, OwnerRoles: []string{"loader"}, Description: "From the database.",
		Fields: []model.AssetField{{Name: "id", NativeType: "int", Description: "The key."}, {Name: "ID"}, {Name: "Mail", NativeType: "text"}, {Name: "É"}},
	}
	tool := model.Sighting{
		SourceID: "src_dbt", Rank: model.RankBuilder, Owners: []string{"ana"}, Description: "From the project.",
		Fields: []model.AssetField{
			{Name: "id", Description: "A number.", Tags: []string{"key"}},
			{Name: "Id", Description: "Another."},
			{Name: "mail", Description: "An address.", Tags: []string{"pii"}, Meta: map[string]string{"class": "secret"}},
			{Name: "é", Description: "No column."},
		},
	}
	a := model.Asset{Sightings: []model.Sighting{tool, db}}
	for range 2 { // settling twice changes nothing
		a.Settle(time.Now())
		if a.DescribedBy != "src_db" || len(a.Owners) != 1 || a.Owners[0] != "ana" || len(a.OwnerRoles) != 1 || a.OwnerRoles[0] != "loader" {
			t.Errorf("described by %s, owners %v, roles %v", a.DescribedBy, a.Owners, a.OwnerRoles)
		}
		want := []model.AssetField{
			{Name: "id", NativeType: "int", Description: "The key.", DescribedBy: "src_db", Tags: []string{"key"}},
			{Name: "ID"},
			{Name: "Mail", NativeType: "text", Description: "An address.", DescribedBy: "src_dbt", Tags: []string{"pii"}, Meta: map[string]string{"class": "secret"}},
			{Name: "É"},
		}
		if diff := cmp.Diff(want, a.Fields); diff != "" {
			t.Error(diff)
		}
	}
	a.Withdraw("src_db", "", time.Now())
	if a.DescribedBy != "" || a.Fields[0].DescribedBy != "" || a.Status != model.AssetActive {
		t.Errorf("alone: described by %s and %s, %s", a.DescribedBy, a.Fields[0].DescribedBy, a.Status)
	}
}

// TestACatalogueGoesBeforeAPath: which name an asset has that a store of objects
// and a catalogue show does not follow from the ids of the sources.
func TestACatalogueGoesBeforeAPath(t *testing.T) {
	for _, ids := range [][2]model.ID{{"src_1", "src_2"}, {"src_2", "src_1"}} {
		store := model.Sighting{SourceID: ids[0], Rank: model.RankHolder, Kind: model.KindFile, ShortName: "orders_v2", Description: "By path.", Properties: map[string]string{"files": "12"}}
		catalogue := model.Sighting{SourceID: ids[1], Rank: model.RankHolder, Kind: model.KindTable, ShortName: "orders", Description: "All orders."}
		reference := model.Sighting{SourceID: "src_0", Rank: model.RankReference, ShortName: "named"}
		a := model.Asset{Sightings: []model.Sighting{reference, store, catalogue}}
		a.Settle(time.Now())
		if a.ShortName != "orders" || a.Kind != model.KindTable || a.Description != "All orders." || a.DescribedBy != ids[1] {
			t.Errorf("%v: %s, %s, %q by %s", ids, a.ShortName, a.Kind, a.Description, a.DescribedBy)
		}
	}
}

// TestStatusOfWhatIsOnlyNamed: a name is no sighting of the thing.
func TestStatusOfWhatIsOnlyNamed(t *testing.T) {
	holder, reference := model.Sighting{SourceID: "a"}, model.Sighting{SourceID: "b", Reference: true}
	for name, tt := range map[string]struct {
		before model.AssetStatus
		seen   []model.Sighting
		want   model.AssetStatus
	}{
		"mentioned":         {"", nil, model.AssetUnresolved},
		"named":             {"", []model.Sighting{reference}, model.AssetUnresolved},
		"named again":       {model.AssetRetired, []model.Sighting{reference}, model.AssetUnresolved},
		"dropped and named": {model.AssetActive, []model.Sighting{reference}, model.AssetUnresolved},
		"held":              {model.AssetUnresolved, []model.Sighting{reference, holder}, model.AssetActive},
		"held by nobody":    {model.AssetActive, nil, model.AssetRetired},
	} {
		a := model.Asset{Status: tt.before, Sightings: tt.seen}
		if a.Settle(time.Now()); a.Status != tt.want {
			t.Errorf("%s: got %s, want %s", name, a.Status, tt.want)
		}
	}
	a := model.Asset{Status: model.AssetUnresolved, Sightings: []model.Sighting{reference}}
	if a.Withdraw("b", "", time.Now()); a.Status != model.AssetRetired {
		t.Errorf("named no more: got %s", a.Status)
	}
}
