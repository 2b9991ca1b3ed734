package gate

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// maxCounted is how many records of a kind are counted that point at another,
// and maxSamples how many of them are named.
const (
	maxCounted = 1000
	maxSamples = 10
)

// Removing is a record on its way out.
type Removing struct {
	Kind     string // the noun in words
	Name     string
	DomainID model.ID
	Reason   string
}

// Remove writes what keeps a record while it is away, and takes it out.
func Remove[T any, P model.PointerTo[T]](ctx context.Context, table store.Table[T, P], n T, r Removing) ([]store.Write, error) {
	actor, err := model.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	doc, err := json.Marshal(n)
	if err != nil {
		return nil, fmt.Errorf("keep the %s: %w", r.Kind, err)
	}
	id := P(&n).Head().ID
	kept := model.Removed{
		Meta: model.Meta{ID: model.RemovedID(id)}, Kind: r.Kind, RecordID: id, Name: r.Name, DomainID: r.DomainID,
		ActorID: actor.ID, Reason: r.Reason, Record: doc,
	}
	return []store.Write{table.Delete(n), store.Removals.Put(kept)}, nil
}

// Restored reads a record as it was when it was removed.
func Restored[T any, P model.PointerTo[T]](kept model.Removed) (T, error) {
	var n T
	if err := json.Unmarshal(kept.Record, &n); err != nil {
		return n, fmt.Errorf("read the removed %s: %w", kept.Kind, err)
	}
	P(&n).Head().Revision = 0 // it is written anew
	return n, nil
}

// Removal finds what a removed record left behind; whether the actor may know
// of it is for the caller to ask.
func (g *Gate) Removal(ctx context.Context, id model.ID) (model.Removed, error) {
	kept, err := store.Removals.Get(ctx, g.store, model.RemovedID(id))
	if model.Is(err, model.KindNotFound) {
		return kept, model.NotFound("removed record", id)
	}
	return kept, err
}

// Removed describes a removed record to the policies: it is its domain's business.
func (g *Gate) Removed(ctx context.Context, r model.Removed) (policy.Resource, error) {
	domain, err := g.DomainName(ctx, r.DomainID)
	return policy.Resource{Type: "domain", ID: r.ID, Name: string(domain), Domain: domain}, err
}

// Pointing counts the records that the query finds, and names those among the
// first that the actor may know of.
func Pointing[T any, P model.PointerTo[T]](ctx context.Context, in *Session, table store.Table[T, P], q store.Query, kind, hint string, describe Describe[T], name func(T) string, points func(T) bool) (model.Dependency, error) {
	dep := model.Dependency{Kind: kind, Hint: hint}
	q.Limit, q.Budget = store.MaxPage, narrowBudget
	var some []T
	for n, err := range table.All(ctx, in.gate.store, q) {
		if err != nil {
			return dep, err
		}
		if points != nil && !points(n) {
			continue
		}
		if dep.Count == maxCounted {
			dep.More = true
			break
		}
		if dep.Count++; len(some) < maxSamples {
			some = append(some, n)
		}
	}
	if len(some) == 0 {
		return dep, nil
	}
	resources, err := describe(ctx, some)
	if err != nil {
		return dep, err
	}
	visible, err := in.Filter(ctx, model.ActMetadataView, resources)
	if err != nil {
		return dep, err
	}
	for i, n := range some {
		if visible[i] {
			dep.Samples = append(dep.Samples, model.Dependent{ID: P(&n).Head().ID, Name: name(n)})
		}
	}
	return dep, nil
}

// Pointers asks each of the counts how many records of its kind point to the
// one with the id, and gives those that some do.
func Pointers(ctx context.Context, in *Session, id model.ID, counts ...func(context.Context, *Session, model.ID) (model.Dependency, error)) ([]model.Dependency, error) {
	var deps []model.Dependency
	for _, count := range counts {
		d, err := count(ctx, in, id)
		if err != nil {
			return nil, err
		}
		if d.Count > 0 {
			deps = append(deps, d)
		}
	}
	return deps, nil
}

// TakeAway makes the change that takes a record away, unless something depends on
// it: unused looks for that, and reports it. The names are those by which others know the record.
// What comes to name it while somebody looks makes the store refuse the change,
// and is looked for once more.
func (s *Session) TakeAway(ctx context.Context, names []string, unused func() error, change func() store.Change) error {
	since, err := store.Newest(ctx, s.gate.store)
	if err != nil {
		return err
	}
	if err := unused(); err != nil {
		return err
	}
	c := change()
	c.Unnamed = store.Unnamed{As: names, Since: since}
	if _, err = s.gate.store.Apply(ctx, c); model.HasCode(err, model.CodeStale) {
		return cmp.Or(unused(), err)
	}
	return err
}

// Unused is the function of that name for what the counts find.
func (s *Session) Unused(ctx context.Context, noun string, id model.ID, counts ...func(context.Context, *Session, model.ID) (model.Dependency, error)) error {
	deps, err := Pointers(ctx, s, id, counts...)
	if err != nil {
		return err
	}
	return Unused(noun, deps)
}

// Unused reports that something depends on a record, and what.
func Unused(noun string, deps []model.Dependency) error {
	var text strings.Builder
	hint := ""
	for _, d := range deps {
		if d.Count == 0 {
			continue
		}
		count := strconv.Itoa(d.Count)
		if d.More {
			count = "more than " + count
		}
		fmt.Fprintf(&text, ", %s (%s)", d.Kind, count)
		if hint == "" {
			hint = d.Hint
		}
	}
	if text.Len() == 0 {
		return nil
	}
	return model.Conflict("id", fmt.Sprintf("the %s cannot go while these depend on it: %s", noun, text.String()[2:]), hint+"; dependencies(id:) lists them")
}
