package atlas

import (
	"cmp"
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// entity is one entity as the catalogue gives it.
type entity struct {
	GUID            string                     `json:"guid"`
	Type            string                     `json:"typeName"`
	Status          string                     `json:"status"`
	Attributes      map[string]json.RawMessage `json:"attributes"`
	Relations       map[string]json.RawMessage `json:"relationshipAttributes"`
	Classifications []struct {
		Type   string `json:"typeName"`
		Status string `json:"entityStatus"`
	} `json:"classifications"`
	Labels   []string `json:"labels"`
	Meanings []struct {
		Text string `json:"displayText"`
	} `json:"meanings"`
	Contacts map[string][]contact `json:"contacts"` // Purview
}

type contact struct {
	ID   string `json:"id"`
	Info string `json:"info"`
}

// ref names another entity.
type ref struct {
	GUID   string            `json:"guid"`
	Type   string            `json:"typeName"`
	Text   string            `json:"displayText"`
	Status string            `json:"entityStatus"`
	Link   string            `json:"relationshipStatus"`
	Unique map[string]string `json:"uniqueAttributes"`
}

func (r ref) there() bool { return r.Status != "DELETED" && r.Link != "DELETED" }

// bundle is some entities, with those that are a part of them.
type bundle struct {
	Entities []entity          `json:"entities"`
	Referred map[string]entity `json:"referredEntities"`
}

// bulk reads entities by their guid.
func (s *source) bulk(ctx context.Context, guids []string) (bundle, error) {
	var b bundle
	request := web.Request{Path: s.path + "/entity/bulk", Query: s.query(url.Values{"guid": guids, "minExtInfo": {"false"}, "ignoreRelationships": {"false"}})}
	err := s.client.Into(ctx, request, &b)
	return b, err
}

// attribute is what stands under the first of the names that has a value.
func (e entity) attribute(names ...string) json.RawMessage {
	for _, name := range names {
		for _, all := range []map[string]json.RawMessage{e.Attributes, e.Relations} {
			if value := all[name]; len(value) > 0 && string(value) != "null" && string(value) != `""` && string(value) != "[]" {
				return value
			}
		}
	}
	return nil
}

// text is the first attribute that has a value, as text.
func (e entity) text(names ...string) string {
	raw := e.attribute(names...)
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return strings.TrimSpace(text)
	}
	if len(raw) > 0 && raw[0] != '{' && raw[0] != '[' {
		return string(raw)
	}
	return ""
}

// yes is an attribute that is true.
func (e entity) yes(names ...string) bool { return e.text(names...) == "true" }

// refs are the entities that an attribute names: a list, or one.
func (e entity) refs(names ...string) []ref {
	raw := e.attribute(names...)
	var many []ref
	if json.Unmarshal(raw, &many) != nil {
		var one ref
		if json.Unmarshal(raw, &one) == nil && one.GUID != "" {
			many = []ref{one}
		}
	}
	return slices.DeleteFunc(many, func(r ref) bool { return r.GUID == "" || !r.there() })
}

// tags are the classifications and the labels.
func (e entity) tags() []string {
	tags := slices.Clone(e.Labels)
	for _, c := range e.Classifications {
		if c.Status != "DELETED" && c.Type != "" {
			tags = append(tags, c.Type)
		}
	}
	slices.Sort(tags)
	return slices.Compact(tags)
}

// owners are people: the attribute owner, and at Purview the contacts.
func (e entity) owners() []string {
	var owners []string
	if owner := e.text("owner"); owner != "" {
		owners = append(owners, owner)
	}
	for _, c := range e.Contacts["Owner"] {
		if who := cmp.Or(c.Info, c.ID); who != "" {
			owners = append(owners, who)
		}
	}
	slices.Sort(owners)
	return slices.Compact(owners)
}

// terms are the names of the glossary terms of the entity. They stand among its
// relations, or beside them, or in both places.
func (e entity) terms() string {
	var names []string
	for _, m := range e.refs("meanings") {
		names = append(names, m.Text)
	}
	for _, m := range e.Meanings {
		names = append(names, m.Text)
	}
	slices.Sort(names)
	return strings.Join(slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == "" }), ", ")
}

// columns are the columns of an entity, in their order: its own, or those of
// the schema that hangs on it, as files have it at Purview.
func (b bundle) columns(e entity) []entity {
	refs := e.refs("columns", "attachedSchema", "tabular_schema", "schema")
	if len(refs) == 1 && strings.HasSuffix(refs[0].Type, "schema") {
		refs = b.Referred[refs[0].GUID].refs("columns")
	}
	var found []entity
	for _, r := range refs {
		if c, has := b.Referred[r.GUID]; has && c.Status != "DELETED" && c.text("name") != "" {
			found = append(found, c)
		}
	}
	// A relation is a set: without a position the order means nothing, and is
	// made the same each time.
	slices.SortFunc(found, func(a, b entity) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a.text("name"), b.text("name")), cmp.Compare(a.GUID, b.GUID))
	})
	return found
}

// fields are the columns of an entity as fields.
func (b bundle) fields(e entity) []sdk.Field {
	var fields []sdk.Field
	keys := 0
	for i, c := range b.columns(e) {
		f := sdk.Field{
			Name: c.text("name"), Position: i + 1, NativeType: c.text("data_type", "type", "dataType"), Nullable: c.text("isNullable", "nullable") != "false",
			Description: c.text("userDescription", "comment", "description"), Default: c.text("default_value"), Tags: c.tags(),
		}
		if c.yes("isPrimaryKey", "primaryKey") {
			keys++
			f.PrimaryKey = keys
		}
		fields = append(fields, f)
	}
	return fields
}

// place is where a column stands, or 0.
func place(c entity) int {
	var n int
	_ = json.Unmarshal(c.attribute("position", "ordinalPosition", "ordinal_position"), &n)
	return n
}
