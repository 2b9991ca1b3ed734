package mongo

import (
	"os"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog/chain"
)

// TestFiltersHaveIndexes asks MongoDB how it would read for each filter of the
// graph: by an index, and in the order of the rows.
func TestFiltersHaveIndexes(t *testing.T) {
	given := os.Getenv("SOUK_TEST_MONGODB_URI")
	if given == "" {
		if os.Getenv("SOUK_TEST_SKIP") == "never" {
			t.Fatal("SOUK_TEST_MONGODB_URI is not set: start a MongoDB with .ci/mongod")
		}
		t.Skip("SOUK_TEST_MONGODB_URI is not set: start a MongoDB with .ci/mongod")
	}
	before, options, _ := strings.Cut(given, "/?")
	db, err := Open(t.Context(), before+"/"+string(model.NewID("log"))+"?"+options)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	for want, f := range map[string]chain.Filter{
		"domain_1__id_1": {Domain: "sales"}, "principal_1__id_1": {Principal: "prn_1"}, "resource_1__id_1": {Resource: "dpr_1"},
		"outcome_1__id_1_at_1": {Outcome: model.Deny, From: 1, To: 2},
	} {
		// Every index of the collection is a candidate of an empty one; those
		// that lose are named beside the one that wins.
		find := bson.D{{Key: "find", Value: db.rows.Name()}, {Key: "filter", Value: render(chain.Query{Segment: "2026-11", Filter: f})}, {Key: "sort", Value: bson.M{"_id": -1}}}
		plan, err := db.rows.Database().RunCommand(t.Context(), bson.D{{Key: "explain", Value: find}, {Key: "verbosity", Value: "queryPlanner"}}).Raw()
		if err != nil {
			t.Fatal(err)
		}
		if text := plan.String(); !strings.Contains(text, want) {
			t.Errorf("%+v: no %s in %s", f, want, text)
		}
	}
}
