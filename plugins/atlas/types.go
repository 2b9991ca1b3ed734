package atlas

import (
	"cmp"
	"context"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// types knows which type of entity is under which.
type types struct{ above map[string][]string }

// types reads the types of the catalogue. An operator may add some.
func (s *source) types(ctx context.Context) (*types, error) {
	var answer struct {
		Entities []struct {
			Name  string   `json:"name"`
			Above []string `json:"superTypes"`
		} `json:"entityDefs"`
	}
	request := web.Request{Path: s.path + "/types/typedefs", Query: s.query(url.Values{"type": {"entity"}})}
	if err := s.client.Into(ctx, request, &answer); err != nil {
		return nil, err
	}
	t := &types{above: map[string][]string{}}
	for _, e := range answer.Entities {
		t.above[e.Name] = e.Above
	}
	if !t.is("Process", "Asset") || !t.is("DataSet", "Asset") {
		return nil, sdk.Unavailable("the answer to the question for types lacks DataSet and Process, which every Atlas has", "look whether the address is that of Atlas, and which version it has", nil)
	}
	return t, nil
}

// query is the parameters with the version of the API, where it has one.
func (s *source) query(query url.Values) url.Values {
	if s.version != "" {
		query.Set("api-version", s.version)
	}
	return query
}

// is reports whether a type is another, or under it.
func (t *types) is(name, root string) bool { return t.under(name, root, 0) }

func (t *types) under(name, root string, deep int) bool {
	const deepest = 50 // a circle of types is no reason to hang
	return name == root || deep < deepest && slices.ContainsFunc(t.above[name], func(above string) bool { return t.under(above, root, deep+1) })
}

// parts are the words at the end of a type whose entities are a part of another
// one: they are read with it.
var parts = []string{"column", "index", "foreign_key", "storagedesc", "column_family", "_ddl", "tabular_schema", "attribute"}

// part reports whether the entities of a type are a part of another.
func (t *types) part(name string) bool {
	return slices.ContainsFunc(parts, func(end string) bool { return strings.HasSuffix(name, end) })
}

// listed gives the types whose entities become assets, or tell their lineage.
// What names others, by the host that it has, comes first.
func (t *types) listed() []string {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(t.above)), func(name string) bool {
		return t.part(name) || !t.is(name, "DataSet") && !t.is(name, "Process") && !holds(name)
	})
	rank := func(name string) int {
		return slices.IndexFunc([]string{"_instance", "_db", ""}, func(end string) bool { return strings.HasSuffix(name, end) })
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	return names
}

// holds tells types that hold others and are no datasets, as in Hive.
func holds(name string) bool { return name == "hive_db" }

// kinds are the words of types, and what Souk calls them. The first one counts.
var kinds = [][2]string{
	{"instance", "OTHER"},
	{"server", "OTHER"},
	{"account", "OTHER"},
	{"materialized_view", "MATERIALIZED_VIEW"},
	{"view", "VIEW"},
	{"table", "TABLE"},
	{"topic", "TOPIC"},
	{"dashboard", "DASHBOARD"},
	{"report", "DASHBOARD"},
	{"path", "FILE"},
	{"blob", "FILE"},
	{"resource_set", "FILE"},
	{"file", "FILE"},
	{"object", "FILE"},
	{"bucket", "BUCKET"},
	{"container", "BUCKET"},
	{"schema", "SCHEMA"},
	{"_db", "DATABASE"},
	{"database", "DATABASE"},
}

// kindOf says what an entity is.
func (t *types) kindOf(e entity) string {
	if t.is(e.Type, "Process") {
		return "JOB"
	}
	switch strings.ToUpper(e.text("tableType", "type")) {
	case "VIRTUAL_VIEW", "VIEW":
		return "VIEW"
	case "MATERIALIZED_VIEW":
		return "MATERIALIZED_VIEW"
	}
	for _, k := range kinds {
		if strings.Contains(strings.ToLower(e.Type), k[0]) {
			return k[1]
		}
	}
	return "OTHER"
}
