package gate

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// nameCache remembers the names of domains and teams by their ids. A rename makes
// it forget: in this process at once, in the others of the same store as soon
// as their feed tells of it. What is read while it forgets is not kept.
type nameCache struct {
	domains sync.Map // model.ID to model.Slug
	teams   sync.Map // model.ID to string
	changes atomic.Int64
}

func (n *nameCache) forget() {
	n.changes.Add(1)
	n.domains.Clear()
	n.teams.Clear()
}

// remember gives the name of the id from the table, or reads and keeps it.
func remember[N any](n *nameCache, table *sync.Map, id model.ID, read func() (N, error)) (N, error) {
	if name, ok := table.Load(id); ok {
		return name.(N), nil
	}
	before := n.changes.Load()
	name, err := read()
	if err != nil {
		return name, err
	}
	table.Store(id, name)
	if n.changes.Load() != before {
		table.Delete(id)
	}
	return name, nil
}

// renaming lists the actions after which a name may be another.
var renaming = []string{"domain.rename", "domain.remove", "team.rename", "team.move", "team.remove", "record.restore"}

// Renamed makes the gate forget the names that it remembers.
func (g *Gate) Renamed() { g.names.forget() }

// Follow hears of names that other processes change, until the context ends.
func (g *Gate) Follow(ctx context.Context) {
	for ctx.Err() == nil {
		if g.follow(ctx) == nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func (g *Gate) follow(ctx context.Context) error {
	last, err := store.Events.Find(ctx, g.store, store.Query{Index: "by_seq", Desc: true, Limit: 1})
	if err != nil {
		return err
	}
	var from int64
	for _, e := range last.Nodes {
		from = e.Seq
	}
	g.names.forget() // whatever was read before that event
	for e, err := range g.store.Events(ctx, from) {
		if err != nil {
			return err
		}
		if slices.Contains(renaming, e.Action) {
			g.names.forget()
		}
	}
	return nil
}

// Former finds the record that has had the name; "" is none.
func (g *Gate) Former(ctx context.Context, kind model.Prefix, within model.ID, name string) (model.ID, error) {
	n, err := store.Names.Get(ctx, g.store, model.NameID(kind, within, name))
	if model.Is(err, model.KindNotFound) {
		return "", nil
	}
	return n.SubjectID, err
}

// Claim keeps a name for the record that gives it up. A name that it has given
// up before is kept already. One that another has taken since somebody looked is
// claimed all the same, and the store refuses the change.
func (g *Gate) Claim(ctx context.Context, kind model.Prefix, within model.ID, name string, subject model.ID) ([]store.Write, error) {
	owner, err := g.Former(ctx, kind, within, name)
	if err != nil || owner == subject {
		return nil, err
	}
	return []store.Write{store.Names.Put(model.Name{
		Meta: model.Meta{ID: model.NameID(kind, within, name)}, Kind: kind, Within: within, Name: name, SubjectID: subject,
	})}, nil
}

// Free reports a name that another record has had, as an error of kind Conflict.
func (g *Gate) Free(ctx context.Context, kind model.Prefix, within model.ID, name string, subject model.ID) error {
	owner, err := g.Former(ctx, kind, within, name)
	if err != nil || owner == "" || owner == subject {
		return err
	}
	return model.Exists("name", "was the name of another record, to which it still leads", "choose a name that nothing has had")
}

// Governed reports whether the domain has rules in force of its own.
func (g *Gate) Governed(domain model.Slug) bool { return g.engine.Snapshot().Owns(domain) }

// Mentions lists the files of the rules in force that speak of the name.
func (g *Gate) Mentions(name string) []string { return g.engine.Snapshot().Mentions(name) }

// SeeFormer finds what has had the name, if the viewer may know of it. What is
// hidden from them is not found, after the same reads and decisions as what is absent.
func SeeFormer[T any, P model.PointerTo[T]](ctx context.Context, in *Session, table store.Table[T, P], kind model.Prefix, within model.ID, name string, describe One[T]) (T, error) {
	var zero T
	id, err := in.gate.Former(ctx, kind, within, name)
	if err != nil {
		return zero, err
	}
	if id == "" {
		id = nowhere
	}
	n, _, err := See(ctx, in, table, id, describe)
	if model.Is(err, model.KindNotFound) {
		err = model.NotFound(table.Schema().Noun, model.ID(name))
	}
	return n, err
}
