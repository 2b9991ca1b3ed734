package glue

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/souk-mesh/souk/plugins/internal/dataset"
	"github.com/souk-mesh/souk/plugins/internal/metastore"
	"github.com/souk-mesh/souk/sdk"
)

// node is one step of a job that was drawn. Glue has some eighty kinds; what
// they read or write stands in the same few places.
type node struct {
	kind             string
	Name             string
	Inputs           []string
	Database, Table  string
	Path             string
	Paths            paths
	ConnectionName   string
	SchemaName       string
	ConnectionTable  string
	Data             *warehouse
	StreamingOptions *stream
	// SchemaChangePolicy of a target that also writes a table of the catalog.
	SchemaChangePolicy *struct {
		EnableUpdateCatalog bool
		Database, Table     string
	}
	Mapping                []mapping
	SourcePath, TargetPath []string
}

// warehouse is what nodes for Redshift and Snowflake say. Some of it is a text in
// one, and a choice in the other.
type warehouse struct {
	Connection   choice
	Database     string
	Schema       choice
	Table        choice
	CatalogTable choice

	CatalogDatabase choice
}

type stream struct{ ConnectionName, BootstrapServers, TopicName string }

type mapping struct {
	ToKey    string
	FromPath []string
	Dropped  bool
}

// choice is a text, or something that has a value.
type choice string

// UnmarshalJSON takes both.
func (c *choice) UnmarshalJSON(raw []byte) error {
	var value struct{ Value string }
	var text string
	if json.Unmarshal(raw, &text) == nil {
		*c = choice(text)
		return nil
	}
	if err := json.Unmarshal(raw, &value); err != nil {
		return err
	}
	*c = choice(value.Value)
	return nil
}

// paths are places, or columns as lists of the names that lead to them.
type paths []string

// UnmarshalJSON takes both.
func (p *paths) UnmarshalJSON(raw []byte) error {
	var plain []string
	var nested [][]string
	if json.Unmarshal(raw, &plain) == nil {
		*p = plain
		return nil
	}
	if err := json.Unmarshal(raw, &nested); err != nil {
		return err
	}
	for _, parts := range nested {
		*p = append(*p, strings.Join(parts, "."))
	}
	return nil
}

func (n node) isSource() bool { return strings.HasSuffix(n.kind, "Source") }
func (n node) isTarget() bool { return strings.HasSuffix(n.kind, "Target") }

// graph reads the steps. It gives the number of those of a kind that is not known.
func graph(steps map[string]types.CodeGenConfigurationNode) (nodes map[string]node, unknown int) {
	nodes = map[string]node{}
	for id, step := range steps {
		raw, err := json.Marshal(step)
		var kinds map[string]json.RawMessage
		if err != nil || json.Unmarshal(raw, &kinds) != nil {
			unknown++
			continue
		}
		maps.DeleteFunc(kinds, func(_ string, v json.RawMessage) bool { return string(v) == "null" })
		if len(kinds) == 0 {
			unknown++
			continue
		}
		kind := slices.Sorted(maps.Keys(kinds))[0]
		n := node{kind: kind}
		_ = json.Unmarshal(kinds[kind], &n) // a place of another shape in a kind that is not known is left out
		nodes[id] = n
	}
	return nodes, unknown
}

const drawn = "glue.visual" // the method of an edge that a drawn job tells

// visual emits what a drawn job reads and writes.
func (h *harvest) visual(job sdk.NativeID, steps map[string]types.CodeGenConfigurationNode) error {
	nodes, unknown := graph(steps)
	if unknown > 0 {
		note := sdk.Note{Level: sdk.InfoLevel, Code: "glue.unknown_step", Title: "A drawn job has steps of a kind that is not known: what they read and write is left out.", Sample: job.Name}
		if err := h.out.Note(note); err != nil {
			return err
		}
	}
	ends := map[string][]sdk.NativeID{}
	for _, id := range slices.Sorted(maps.Keys(nodes)) {
		n := nodes[id]
		if !n.isSource() && !n.isTarget() {
			continue
		}
		found, err := h.ends(n)
		if err != nil {
			return err
		}
		ends[id] = found
		for _, end := range found {
			if n.isSource() {
				err = h.reads(job, end, drawn, 1)
			} else {
				err = h.writes(job, end, drawn, 1)
			}
			if err != nil {
				return err
			}
		}
	}
	return h.flows(nodes, ends)
}

// ends are the things that a source or a target is about.
func (h *harvest) ends(n node) ([]sdk.NativeID, error) {
	var all []sdk.NativeID
	add := func(d dataset.Dataset, ok bool) error {
		ids, err := h.elsewhere(d, ok)
		all = append(all, ids...)
		return err
	}
	for _, path := range append(slices.Clone([]string(n.Paths)), n.Path) {
		if err := add(metastore.Place(path)); err != nil {
			return nil, err
		}
	}
	if p := n.SchemaChangePolicy; p != nil && p.EnableUpdateCatalog && p.Table != "" {
		all = append(all, h.data.id("table", p.Database, p.Table))
	}
	switch {
	case n.ConnectionName != "":
		if err := add(h.connections[n.ConnectionName].within(n.Database, n.SchemaName, cmp.Or(n.ConnectionTable, n.Table))); err != nil {
			return nil, err
		}
	case n.Table != "" && n.Database != "":
		all = append(all, h.data.id("table", n.Database, n.Table))
	}
	if s := n.StreamingOptions; s != nil && s.TopicName != "" {
		c := h.connections[s.ConnectionName]
		if c.kafka == "" {
			c = leads("KAFKA", map[string]string{"KAFKA_BOOTSTRAP_SERVERS": s.BootstrapServers})
		}
		if err := add(c.topic(s.TopicName)); err != nil {
			return nil, err
		}
	}
	return all, h.warehouse(n.Data, &all)
}

// warehouse adds the table of Redshift or Snowflake.
func (h *harvest) warehouse(w *warehouse, all *[]sdk.NativeID) error {
	if w == nil {
		return nil
	}
	if w.CatalogTable != "" && w.CatalogDatabase != "" {
		*all = append(*all, h.data.id("table", string(w.CatalogDatabase), string(w.CatalogTable)))
		return nil
	}
	ids, err := h.elsewhere(h.connections[string(w.Connection)].within(w.Database, string(w.Schema), string(w.Table)))
	*all = append(*all, ids...)
	return err
}
