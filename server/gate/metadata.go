package gate

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// describer tells the standards about nouns. What the nouns link to is read
// together, with one read a kind, however many they are.
type describer struct {
	gate      *Gate
	now       time.Time
	owners    map[model.ID]model.Principal
	assets    map[model.ID]model.Asset
	rules     map[model.ID][]model.QualityRule
	harvested map[model.ID]time.Time // by source: the end of the last good run
}

// describer reads what the products link to.
func (g *Gate) describer(ctx context.Context, products []model.DataProduct) (*describer, error) {
	var owners, ids []model.ID
	for _, p := range products {
		owners = append(owners, p.OwnerID)
		for _, port := range p.Ports {
			ids = append(ids, port.AssetIDs...)
		}
	}
	assets, err := many(ctx, g, store.Assets, ids)
	if err != nil {
		return nil, err
	}
	d, err := g.describerOf(ctx, assets)
	if err != nil {
		return nil, err
	}
	people, err := many(ctx, g, store.Principals, owners)
	for _, p := range people {
		d.owners[p.ID] = p
	}
	return d, err
}

// describerOf reads what the assets link to.
func (g *Gate) describerOf(ctx context.Context, assets []model.Asset) (*describer, error) {
	d := &describer{
		gate: g, now: g.now(), owners: map[model.ID]model.Principal{}, assets: map[model.ID]model.Asset{},
		rules: map[model.ID][]model.QualityRule{}, harvested: map[model.ID]time.Time{},
	}
	var ids []store.Value
	var sources []model.ID
	for _, a := range assets {
		d.assets[a.ID] = a
		ids = append(ids, string(a.ID))
		for _, s := range a.Sightings {
			sources = append(sources, s.SourceID)
		}
	}
	for part := range slices.Chunk(ids, store.MaxIn) {
		q := store.Query{Index: "by_asset", Where: store.In("asset", part...), Limit: store.MaxPage}
		for rule, err := range store.QualityRules.All(ctx, g.store, q) {
			if err != nil {
				return nil, err
			}
			d.rules[rule.AssetID] = append(d.rules[rule.AssetID], rule)
		}
	}
	return d, d.lookAtRuns(ctx, sources)
}

// lookAtRuns finds when each source was last harvested well. Only a source
// whose last run did not go well costs a read of its own.
func (d *describer) lookAtRuns(ctx context.Context, ids []model.ID) error {
	sources, err := many(ctx, d.gate, store.Sources, ids)
	if err != nil {
		return err
	}
	var last []model.ID
	for _, s := range sources {
		last = append(last, s.LastRunID)
	}
	runs, err := many(ctx, d.gate, store.Runs, last)
	if err != nil {
		return err
	}
	for _, r := range runs {
		if !r.Status.Through() {
			through := store.In("status", string(model.RunSucceeded), string(model.RunPartial))
			where := store.And(store.Eq("source", string(r.SourceID)), through)
			r, err = store.Runs.First(ctx, d.gate.store, store.Query{Index: "by_source", Where: where, Desc: true})
			if model.Is(err, model.KindNotFound) {
				continue
			}
			if err != nil {
				return err
			}
		}
		if r.EndedAt != nil {
			d.harvested[r.SourceID] = *r.EndedAt
		}
	}
	return nil
}

// many reads the nouns among the ids that exist, each once.
func many[T any, P model.PointerTo[T]](ctx context.Context, g *Gate, table store.Table[T, P], ids []model.ID) ([]T, error) {
	ids = slices.DeleteFunc(slices.Clone(ids), func(id model.ID) bool { return id == "" })
	slices.Sort(ids)
	var all []T
	for part := range slices.Chunk(slices.Compact(ids), store.MaxIn) {
		found, err := table.GetMany(ctx, g.store, part...)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

func (d *describer) product(ctx context.Context, p model.DataProduct) (policy.ProductMetadata, error) {
	owner := d.owners[p.OwnerID]
	m := policy.ProductMetadata{
		ID: p.ID, Name: p.Name, DisplayName: p.DisplayName, Description: p.Description, BusinessContext: p.BusinessContext,
		Owner: owner.Name, OwnerSuspended: owner.Suspended, Classification: p.Classification, Visibility: p.Visibility,
		Status: p.Status, Tags: orNone(p.Tags), Ports: make([]policy.PortMetadata, len(p.Ports)),
	}
	var err error
	if m.Domain, err = d.gate.DomainName(ctx, p.DomainID); err != nil {
		return m, err
	}
	if m.OwnerTeam, err = d.gate.ownerTeam(ctx, p.OwnerTeamID); err != nil {
		return m, err
	}
	for i, port := range p.Ports {
		m.Ports[i] = policy.PortMetadata{Name: port.Name, Direction: port.Direction, Description: port.Description, Assets: []policy.AssetSummary{}}
		for _, id := range port.AssetIDs {
			a, err := d.summary(ctx, d.assets[id])
			if err != nil {
				return m, err
			}
			m.Ports[i].Assets = append(m.Ports[i].Assets, a)
		}
	}
	return m, nil
}

func (d *describer) summary(ctx context.Context, a model.Asset) (policy.AssetSummary, error) {
	domain, err := d.gate.DomainName(ctx, a.DomainID)
	s := policy.AssetSummary{
		ID: a.ID, Name: a.Name, Kind: a.Kind, Status: a.Status, Platform: a.Platform, Domain: domain, Description: a.Description,
		Owners: orNone(a.Owners), Tags: orNone(a.Tags), FieldCount: len(a.Fields), HarvestAge: d.harvestAge(a), Unlisted: a.Unlisted(), Quality: d.quality(a.ID),
	}
	for _, f := range a.Fields {
		if f.Description != "" {
			s.FieldsDescribed++
		}
	}
	return s, err
}

func (d *describer) asset(ctx context.Context, a model.Asset) (policy.AssetMetadata, error) {
	short, err := d.summary(ctx, a)
	m := policy.AssetMetadata{AssetSummary: short, Fields: make([]policy.FieldMetadata, len(a.Fields))}
	for i, f := range a.Fields {
		m.Fields[i] = policy.FieldMetadata{Name: f.Name, Type: f.NativeType, Description: f.Description, Tags: orNone(f.Tags), Meta: map[string]string{}}
		maps.Copy(m.Fields[i].Meta, f.Meta)
	}
	return m, err
}

// harvestAge is that of the freshest source that shows the asset.
func (d *describer) harvestAge(a model.Asset) int {
	var latest time.Time
	for _, s := range a.Sightings {
		if at := d.harvested[s.SourceID]; at.After(latest) {
			latest = at
		}
	}
	return d.age(latest)
}

func (d *describer) quality(asset model.ID) policy.QualityMetadata {
	q := policy.QualityMetadata{Rules: len(d.rules[asset])}
	var latest time.Time
	for _, r := range d.rules[asset] {
		if r.Last == nil {
			continue
		}
		if r.Last.Status == "fail" || r.Last.Status == "error" {
			q.Failing++
		}
		if r.Last.At.After(latest) {
			latest = r.Last.At
		}
	}
	q.Age = d.age(latest)
	return q
}

// age is the time since then in whole hours, and -1 for what never was.
func (d *describer) age(then time.Time) int {
	if then.IsZero() {
		return -1
	}
	return max(0, int(d.now.Sub(then)/time.Hour))
}

// orNone keeps an empty list from becoming null, which no rule expects.
func orNone(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
