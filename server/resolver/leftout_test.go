package resolver

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/souk-mesh/souk/graph/model"
)

// TestLeftOutStandsInTheExtensions gathers what several lists of one operation
// had to leave out, each domain once.
func TestLeftOutStandsInTheExtensions(t *testing.T) {
	ctx := graphql.WithResponseContext(t.Context(), graphql.DefaultErrorPresenter, graphql.DefaultRecover)
	l := &leftOut{}
	l.tell(ctx, nil)
	if n := len(graphql.GetExtensions(ctx)); n != 0 {
		t.Errorf("nothing is left out, and %d extensions", n)
	}
	at := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	l.tell(ctx, []model.LeftOut{{Domain: "sales", Reason: "r", Until: at}})
	l.tell(ctx, []model.LeftOut{{Domain: "sales", Reason: "r", Until: at}, {Domain: "hr", Reason: "s", Until: at}})
	got, err := json.Marshal(graphql.GetExtensions(ctx))
	want := `{"leftOut":[{"domain":"sales","reason":"r","until":"2026-05-04T12:00:00Z"},{"domain":"hr","reason":"s","until":"2026-05-04T12:00:00Z"}]}`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v", got, err)
	}
}
