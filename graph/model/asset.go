package model

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// AssetKind is what an asset is in the system that holds it.
type AssetKind string

// The kinds of asset. Harvesters may send others; these are the ones we know.
const (
	KindTable            AssetKind = "TABLE"
	KindView             AssetKind = "VIEW"
	KindMaterializedView AssetKind = "MATERIALIZED_VIEW"
	KindSeed             AssetKind = "SEED"
	KindSnapshot         AssetKind = "SNAPSHOT"
	KindFile             AssetKind = "FILE"
	KindTopic            AssetKind = "TOPIC"
	KindDashboard        AssetKind = "DASHBOARD"
	KindJob              AssetKind = "JOB"
	KindOther            AssetKind = "OTHER"
)

// AssetStatus tells whether any source still sees the asset.
type AssetStatus string

// The states of an asset.
const (
	AssetActive     AssetStatus = "ACTIVE"
	AssetUnresolved AssetStatus = "UNRESOLVED" // something points at it, but no source has shown it
	AssetRetired    AssetStatus = "RETIRED"    // every source that saw it has since listed its scope without it
)

// Asset is something that a source system holds: a table, a view, a dashboard.
// It is observed, never written by people. The exported facts are those of the
// best sighting; Sightings keeps what each source said.
type Asset struct {
	Meta
	Namespace   string            `json:"namespace"` // OpenLineage namespace, such as postgres://db.acme.example:5432
	Name        string            `json:"name"`      // OpenLineage name, such as shop.public.orders
	ShortName   string            `json:"shortName"`
	Kind        AssetKind         `json:"kind"`
	Status      AssetStatus       `json:"status"`
	Platform    string            `json:"platform"` // the namespace's scheme: postgres, sqlite, dbt
	DomainID    ID                `json:"domainId,omitempty"`
	Description string            `json:"description,omitempty"`
	Owners      []string          `json:"owners,omitempty"`     // people and teams, as the sources name them
	OwnerRoles  []string          `json:"ownerRoles,omitempty"` // roles of the system that own it
	Tags        []string          `json:"tags,omitempty"`
	Fields      []AssetField      `json:"fields,omitempty"`
	ForeignKeys []ForeignKey      `json:"foreignKeys,omitempty"`
	Rows        *int64            `json:"rows,omitempty"` // the source's own estimate
	Properties  map[string]string `json:"properties,omitempty"`
	Sightings   []Sighting        `json:"sightings,omitempty"`
	RetiredAt   *time.Time        `json:"retiredAt,omitempty"`
}

// AssetField is a column or its like.
type AssetField struct {
	Name         string            `json:"name"`
	Position     int               `json:"position"`
	NativeType   string            `json:"nativeType,omitempty"`
	Nullable     bool              `json:"nullable,omitempty"`
	Description  string            `json:"description,omitempty"`
	PrimaryKey   int               `json:"primaryKey,omitempty"` // position in the key, from 1; 0 means no part of it
	DefaultValue string            `json:"defaultValue,omitempty"`
	Tags         []string          `json:"tags,omitempty"` // the sources' own, such as pii
	Meta         map[string]string `json:"meta,omitempty"` // what else the sources say of it, by name
}

// ForeignKey is a declared reference to another asset. It is a relation, not lineage.
type ForeignKey struct {
	Name     string   `json:"name,omitempty"`
	Fields   []string `json:"fields"`
	ToName   string   `json:"toName"` // OpenLineage name in the same namespace
	ToFields []string `json:"toFields,omitempty"`
}

// Sighting is what one source said of an asset the last time it saw it.
type Sighting struct {
	SourceID    ID                `json:"sourceId"`
	Scope       string            `json:"scope"`
	Rank        int               `json:"rank"` // smaller wins; see Ranks
	DomainID    ID                `json:"domainId,omitempty"`
	Kind        AssetKind         `json:"kind"`
	ShortName   string            `json:"shortName,omitempty"`
	Description string            `json:"description,omitempty"`
	Owners      []string          `json:"owners,omitempty"`
	OwnerRoles  []string          `json:"ownerRoles,omitempty"`
	Tags        []string          `json:"tags,omitempty"`
	Fields      []AssetField      `json:"fields,omitempty"`
	ForeignKeys []ForeignKey      `json:"foreignKeys,omitempty"`
	Rows        *int64            `json:"rows,omitempty"`
	Properties  map[string]string `json:"properties,omitempty"`
	Reference   bool              `json:"reference,omitempty"` // the source uses the asset but does not hold it: a dbt source
}

// The ranks of what sources know, best first: the system that holds the data
// knows its own catalogue better than a tool that reads it.
const (
	RankHolder    = 10 // a database's own catalogue
	RankBuilder   = 20 // the tool that builds the asset, such as dbt for a model
	RankReference = 30 // a tool that only names it
)

// Settle recomputes the exported facts from the sightings: each fact comes
// from the best-ranked source that states it.
func (a *Asset) Settle(at time.Time) {
	slices.SortStableFunc(a.Sightings, func(x, y Sighting) int {
		return cmp.Or(cmp.Compare(x.Rank, y.Rank), cmp.Compare(x.SourceID, y.SourceID))
	})
	a.clearFacts()
	for _, s := range a.Sightings {
		a.Kind = cmp.Or(a.Kind, s.Kind)
		a.ShortName = cmp.Or(a.ShortName, s.ShortName)
		a.DomainID = cmp.Or(a.DomainID, s.DomainID)
		a.Description = cmp.Or(a.Description, s.Description)
		a.Owners = union(a.Owners, s.Owners)
		a.OwnerRoles = union(a.OwnerRoles, s.OwnerRoles)
		a.Tags = union(a.Tags, s.Tags)
		a.Fields = mergeFields(a.Fields, s.Fields)
		if len(a.ForeignKeys) == 0 {
			a.ForeignKeys = s.ForeignKeys
		}
		if a.Rows == nil {
			a.Rows = s.Rows
		}
		a.Properties = fill(a.Properties, s.Properties)
	}
	a.settleStatus(at)
}

func (a *Asset) clearFacts() {
	if len(a.Sightings) == 0 {
		return // the last facts known stay readable after retirement
	}
	a.Kind, a.ShortName, a.DomainID, a.Description = "", "", "", ""
	a.Owners, a.OwnerRoles, a.Tags, a.Fields, a.ForeignKeys, a.Rows, a.Properties = nil, nil, nil, nil, nil, nil, nil
}

func (a *Asset) settleStatus(at time.Time) {
	switch {
	case len(a.Sightings) > 0:
		a.Status, a.RetiredAt = AssetActive, nil
	case a.Status == AssetActive:
		a.Status, a.RetiredAt = AssetRetired, &at
	case a.Status == "":
		a.Status = AssetUnresolved
	}
	a.Kind = cmp.Or(a.Kind, KindOther)
}

// mergeFields keeps the better source's fields and fills their gaps from the
// other; a field that only the other names is no field of the asset, unless
// the better one names none at all.
func mergeFields(better, other []AssetField) []AssetField {
	if len(better) == 0 {
		return slices.Clone(other)
	}
	for i := range better {
		f := &better[i]
		j := slices.IndexFunc(other, func(o AssetField) bool { return o.Name == f.Name })
		if j < 0 {
			continue
		}
		f.Description = cmp.Or(f.Description, other[j].Description)
		f.NativeType = cmp.Or(f.NativeType, other[j].NativeType)
		f.Tags = union(f.Tags, other[j].Tags)
		f.Meta = fill(f.Meta, other[j].Meta)
	}
	return better
}

// fill adds to a what only b says. Neither of the two is changed, since both
// may belong to a sighting.
func fill(a, b map[string]string) map[string]string {
	if len(b) == 0 {
		return a
	}
	both := make(map[string]string, len(a)+len(b))
	maps.Copy(both, b)
	maps.Copy(both, a)
	return both
}

func union(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(slices.Clip(a), s)
		}
	}
	return a
}

// Alias is one name under which the outside world knows an asset. Many aliases
// lead to one asset; none leads to two.
type Alias struct {
	Meta
	Scheme    AliasScheme `json:"scheme"`
	Namespace string      `json:"namespace"`
	Name      string      `json:"name"`
	Folded    string      `json:"folded"` // the name as its platform compares it
	AssetID   ID          `json:"assetId"`
	SourceID  ID          `json:"sourceId,omitempty"` // who brought the alias
}

// AliasScheme is a way of naming assets.
type AliasScheme string

// The schemes.
const (
	SchemeOpenLineage AliasScheme = "openlineage"
	SchemeDBT         AliasScheme = "dbt" // namespace is the project, name the unique_id
)
