package resolver_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/souk-mesh/souk/graph"
)

// TestConsoleQueries proves that what the page offers to run can be run.
func TestConsoleQueries(t *testing.T) {
	text, err := os.ReadFile("../console/explorer/web/queries.json")
	if err != nil {
		t.Fatal(err)
	}
	var groups []struct {
		Queries []struct {
			Title string
			Query []string
		}
	}
	if err := json.Unmarshal(text, &groups); err != nil {
		t.Fatal(err)
	}
	schema, n := graph.NewExecutableSchema(graph.Config{}).Schema(), 0
	for _, g := range groups {
		for _, q := range g.Queries {
			n++
			if _, list := gqlparser.LoadQueryWithRules(schema, strings.Join(q.Query, "\n"), rules.NewDefaultRules()); len(list) > 0 {
				t.Errorf("%s: %v", q.Title, list)
			}
		}
	}
	if n < 5 {
		t.Errorf("only %d queries were looked at", n)
	}
}
