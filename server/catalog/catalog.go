// Package catalog owns what harvests observe: assets, the names they go by,
// the quality rules that run against them, and the search over them. It
// compares what a source shows with what is known and gives back the writes;
// it asks policies about every read, it never writes what people declare, and
// it never merges two assets between which it cannot tell.
package catalog

import (
	"context"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/catalog/index"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// Service is the catalog.
type Service struct {
	store store.Store
	gate  *gate.Gate
	now   func() time.Time
	index *index.Index
}

// New makes a catalog that searches by the index.
func New(s store.Store, g *gate.Gate, x *index.Index, now func() time.Time) *Service {
	return &Service{store: s, gate: g, now: now, index: x}
}

// Run keeps the search index fresh from the event feed until the context ends.
func (s *Service) Run(ctx context.Context) { s.index.Run(ctx) }

// Indexed is how much of the catalog search knows, in percent: 100 but for the
// first moments after a start.
func (s *Service) Indexed() int { return s.index.Percent() }

// Ref is an asset's name as a source gives it: an OpenLineage namespace and name.
type Ref struct {
	Namespace string
	Name      string
}

// Name is a name of an asset in any scheme.
type Name struct {
	Scheme    model.AliasScheme
	Namespace string
	Name      string
}

// Observation is what one stretch of a harvest has found.
type Observation struct {
	Source  model.Source
	Run     model.ID
	Assets  []Seen
	Quality []SeenQuality
	Refs    []Ref // names that edges mention; an unknown one becomes an unresolved asset

	// Last says that the source shows nothing more that may tell who is who: see Result.Held.
	Last  bool
	Shown func(model.ID) bool // whether the harvest has shown the asset before; nil is none
}

// Seen is one asset as a source shows it. The sighting's source is the
// observation's, and its domain the source's when it has none.
type Seen struct {
	Ref
	Aliases  []Name
	Parent   Ref // what holds it, if the source says so; an unknown one becomes an unresolved asset
	Sighting model.Sighting
}

// SeenQuality is one quality rule as a source shows it. Scope, Key, Name,
// Rule, Field, Severity and Last of the rule count; the rest is filled in.
type SeenQuality struct {
	Asset Ref
	Rule  model.QualityRule
}

// Result is what an observation changes. Nothing is written yet.
type Result struct {
	Writes []store.Write

	// IDs resolves every name of the observation as it was given. A name that
	// is missing was refused, and a note says why.
	IDs   map[Ref]model.ID
	Rules []model.ID // the quality rules shown, for Retire

	// Held are names as they were given of which the source's own ids say that
	// they were another asset's before. Nothing is kept of what was shown of
	// them: show it again when everything else has been, with Last. Until then
	// they lead to the asset that they most likely are.
	Held map[Ref]bool

	// Settled are the names as given of which all was kept that was shown, and
	// nothing had to be told. As long as the records stand as they are marked
	// here, the asset's own first, to show the same once more changes nothing.
	Settled map[Ref][]Mark
	// Unowned are those of them that belong to no domain, with their namespaces.
	Unowned map[Ref]string

	// Named are the names of the observation's tests and references that are
	// settled, with what the name stands for: the asset and the name.
	Named map[Ref][]Mark
	Tests []Mark // Tests[i] is the rule of Quality[i]; the zero Mark of one whose asset was refused

	Created   int // assets not known before, unresolved ones included
	Updated   int
	Unchanged int
	Tested    map[model.ID]bool // those that Updated counts for a quality rule alone, though the observation does not show them
	New       []Ref             // the assets that Created counts
	Changed   []Ref             // those that Updated counts
	Notes     []model.RunNote
}

// Mark is a record at the revision that a result's writes bring it to.
type Mark struct {
	Kind     store.Kind
	ID       model.ID
	Revision model.Revision
}

// RetireResult is what the end of a complete scope changes. Nothing is written yet:
// TakeBack gives the writes, since there may be more of them than fit into memory.
type RetireResult struct {
	AssetIDs  []model.ID // of what is withdrawn
	RuleIDs   []model.ID
	Known     int // assets that the source had shown in the scope
	Withdrawn int // of these, the ones that it shows no longer
	Retired   int // of these, the ones that no other source shows either
	Rules     int // quality rules that are gone

	Gone  []string // names of the retired assets
	Named []string // names of the assets that are gone and that another source still uses: they are unresolved
}

// AssetFilter narrows a list of assets; empty fields do not.
type AssetFilter struct {
	DomainID   model.ID
	Kind       model.AssetKind
	Status     model.AssetStatus
	Namespace  string
	Platform   string
	NamePrefix string
	ParentID   model.ID // assets that this one holds
	ProductID  model.ID // assets behind any port of the product
}

// SearchKind is a kind of thing that search finds.
type SearchKind = index.Kind

// The kinds of thing that search finds.
const (
	HitAsset   = index.Asset
	HitProduct = index.Product
	HitDomain  = index.Domain
)

// SearchFilter narrows a search; empty fields do not.
type SearchFilter struct {
	Kinds    []SearchKind
	DomainID model.ID
}

// Hits is a page of a search.
type Hits struct {
	model.Page[Hit]
	Indexed int // how much of the catalog was known to search, in percent
}

// Hit is one thing found. Matched names the parts that the words were found
// in, best first: name, description, tags, fields.
type Hit struct {
	Kind    SearchKind
	ID      model.ID
	Score   float64
	Matched []string
}
