package model

import (
	"slices"
	"strings"
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
	KindMetric           AssetKind = "METRIC"
	KindSemanticModel    AssetKind = "SEMANTIC_MODEL"
	KindDatabase         AssetKind = "DATABASE"
	KindSchema           AssetKind = "SCHEMA"
	KindFolder           AssetKind = "FOLDER" // also for what only names show to hold others
	KindBucket           AssetKind = "BUCKET"
	KindOther            AssetKind = "OTHER"
)

// AssetKinds lists the kinds of asset that have a word of their own.
func AssetKinds() []AssetKind {
	return []AssetKind{
		KindTable, KindView, KindMaterializedView, KindSeed, KindSnapshot, KindFile, KindTopic, KindDashboard, KindJob,
		KindMetric, KindSemanticModel, KindDatabase, KindSchema, KindFolder, KindBucket, KindOther,
	}
}

// Shown is the kind as every door shows it: one that has no word of its own,
// such as an application's RECORD, is OTHER.
func (k AssetKind) Shown() AssetKind {
	if k == "" || slices.Contains(AssetKinds(), k) {
		return k
	}
	return KindOther
}

// Holds reports whether an asset of the kind holds others. It has no data of
// its own, and its name lacks the parts that those of its assets have.
func (k AssetKind) Holds() bool {
	return k == KindDatabase || k == KindSchema || k == KindFolder || k == KindBucket
}

// Is reports whether an asset of the kind goes by the word: by its own, or by
// the one that it is shown with.
func (k AssetKind) Is(word AssetKind) bool { return k == word || k.Shown() == word }

// AssetStatus tells whether any source still sees the asset.
type AssetStatus string

// The states of an asset.
const (
	AssetActive     AssetStatus = "ACTIVE"
	AssetUnresolved AssetStatus = "UNRESOLVED" // something names it, but no source that holds or builds it shows it
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
	Platform    string            `json:"platform"`           // the namespace's scheme: postgres, sqlite, dbt
	DomainID    ID                `json:"domainId,omitempty"` // the owner, by the longest namespace that fits the name; "" is nobody
	Description string            `json:"description,omitempty"`
	Owners      []string          `json:"owners,omitempty"`     // people and teams, as the sources name them
	OwnerRoles  []string          `json:"ownerRoles,omitempty"` // roles of the system that own it
	Tags        []string          `json:"tags,omitempty"`
	Fields      []AssetField      `json:"fields,omitempty"`
	ForeignKeys []ForeignKey      `json:"foreignKeys,omitempty"`
	Rows        *int64            `json:"rows,omitempty"`        // the source's own estimate
	DescribedBy ID                `json:"describedBy,omitempty"` // the source whose description it is, where several show the asset
	Properties  map[string]string `json:"properties,omitempty"`
	AssetDetails
	Sightings []Sighting `json:"sightings,omitempty"`
	RetiredAt *time.Time `json:"retiredAt,omitempty"`
}

// PropertyPartitionOf names the property of a table whose rows are a part of
// another's: the name of that one in the same namespace.
const PropertyPartitionOf = "partition_of"

// AssetField is a column or its like.
type AssetField struct {
	Name         string            `json:"name"`
	Position     int               `json:"position"`
	NativeType   string            `json:"nativeType,omitempty"`
	Nullable     bool              `json:"nullable,omitempty"`
	Description  string            `json:"description,omitempty"`
	PrimaryKey   int               `json:"primaryKey,omitempty"` // position in the key, from 1; 0 means no part of it
	DefaultValue string            `json:"defaultValue,omitempty"`
	Tags         []string          `json:"tags,omitempty"`        // the sources' own, such as pii
	Meta         map[string]string `json:"meta,omitempty"`        // what else the sources say of it, by name
	Values       []string          `json:"values,omitempty"`      // the only ones that it may hold
	DescribedBy  ID                `json:"describedBy,omitempty"` // the source whose description it is, where several show the asset
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
	StableID    string            `json:"stableId,omitempty"`  // the source's own id of it, which a rename leaves as it is
	AssetDetails

	UnlistedSince *time.Time `json:"unlistedSince,omitempty"` // from then on the source did not list the scope any more
}

// Disputes reports whether the sighting claims an asset that belongs to another
// domain than the source's. A claim is kept, for both domains to look at, and
// says nothing about the asset: the owner's sources do. A source that merely
// names the asset claims nothing.
func (a *Asset) Disputes(s Sighting) bool {
	return a.DomainID != "" && s.DomainID != a.DomainID && s.Claims()
}

// Claims reports whether the source says that it holds or builds the asset.
func (s Sighting) Claims() bool { return !s.Reference }

// Claimants lists the domains whose sources claim the asset of another one.
func (a *Asset) Claimants() []ID {
	var domains []ID
	for _, s := range a.Sightings {
		if a.Disputes(s) && !slices.Contains(domains, s.DomainID) {
			domains = append(domains, s.DomainID)
		}
	}
	return domains
}

// Contested is the owner of an asset that another domain's sources claim, or "".
func (a *Asset) Contested() ID {
	if len(a.Claimants()) == 0 {
		return ""
	}
	return a.DomainID
}

// The ranks of what sources know, best first: the system that holds the data
// knows its own catalogue better than a tool that reads it.
const (
	RankHolder    = 10 // a database's own catalogue
	RankBuilder   = 20 // the tool that builds the asset, such as dbt for a model
	RankReference = 30 // a tool that only names it
)

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
	SchemeDBT         AliasScheme = "dbt"    // namespace is the project, name the unique_id
	SchemeSource      AliasScheme = "source" // namespace is the source's id here, name its own id of the object; nobody is shown it
)

// QualityRule is a test that some tool runs against an asset, with its last result.
type QualityRule struct {
	Meta
	AssetID  ID             `json:"assetId"`
	SourceID ID             `json:"sourceId"`
	Scope    string         `json:"scope"`
	Key      string         `json:"key"` // the source's own stable name of the rule
	Name     string         `json:"name"`
	Rule     string         `json:"rule"` // not_null, unique, accepted_values, relationships, ...
	Field    string         `json:"field,omitempty"`
	Severity string         `json:"severity,omitempty"` // error or warn
	Last     *QualityResult `json:"last,omitempty"`

	Arguments map[string]string `json:"arguments,omitempty"` // what the rule is given, by name
}

// QualityResult is how a run of the rule ended.
type QualityResult struct {
	Status   string    `json:"status"` // pass, fail, warn, error, skipped
	Failures int64     `json:"failures"`
	Message  string    `json:"message,omitempty"`
	At       time.Time `json:"at"`
}

// Column is ColumnIn for the asset, whose name is that of a table.
func (a *Asset) Column(field string) (string, bool) {
	parts := NameParts(a.Name)
	schema := ""
	if len(parts) > 1 {
		schema = parts[len(parts)-2]
	}
	return ColumnIn(schema, parts[len(parts)-1], a.Fields, field)
}

// ColumnIn finds the column of a table that a duty is about: by its name, dots
// included, or by the same behind the name of the table, with its schema or
// without. Of a table whose columns nobody knows, every plain name is one.
func ColumnIn(schema, table string, fields []AssetField, field string) (string, bool) {
	if name, ok := columnNamed(fields, field); ok {
		return name, true
	}
	for _, of := range []string{table, schema + "." + table} {
		if len(field) > len(of)+1 && field[len(of)] == '.' && strings.EqualFold(field[:len(of)], of) {
			if name, ok := columnNamed(fields, field[len(of)+1:]); ok || len(fields) == 0 {
				return name, true
			}
		}
	}
	return field, len(fields) == 0 && field != "" && !strings.Contains(field, ".")
}

// columnNamed finds a column by its name, in another case where there is no exact one.
func columnNamed(fields []AssetField, name string) (string, bool) {
	alike := ""
	for _, f := range fields {
		if f.Name == name {
			return name, true
		}
		if strings.EqualFold(f.Name, name) {
			alike = f.Name
		}
	}
	if alike != "" {
		return alike, true
	}
	return name, false
}
