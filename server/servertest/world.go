// Package servertest is the one test world: a small company on a real store,
// under the policies that Souk ships, with a clock that a test can turn. It
// makes what most rooms build on (people, domains, products, access); a room
// above makes its own service over World.Store and World.Gate. It knows no test,
// and it is no part of Souk.
package servertest

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/access"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// Company says who is there when a story begins.
type Company struct {
	Domains []string
	People  []Person

	Open   enginetest.Open // nothing is SQLite in memory
	Engine *policy.Engine  // nothing is the shipped policies, compiled once for all worlds: a test that changes rules brings its own
}

// Person is a principal by the name that stories use. Without a kind it is a person.
type Person struct {
	Name, Domain string
	Steward      bool // of the domain
	Kind         model.PrincipalKind
	Roles        []model.Role
	Clearance    model.Classification
}

// World is a company that lives.
type World struct {
	testing.TB

	Store    *enginetest.Counted
	Engine   *policy.Engine
	Gate     *gate.Gate
	Identity *identity.Service
	Mesh     *mesh.Service
	Access   *access.Service
	Domains  map[string]model.Domain
	People   map[string]model.Principal

	turned time.Duration
}

// New makes a company and whoever is in it.
func New(tb testing.TB, c Company) *World {
	tb.Helper()
	if c.Open == nil {
		c.Open = enginetest.SQLite
	}
	if c.Engine == nil {
		c.Engine = Shipped(tb)
	}
	w := &World{
		TB: tb, Store: &enginetest.Counted{Store: c.Open(tb)}, Engine: c.Engine,
		Domains: map[string]model.Domain{}, People: map[string]model.Principal{},
	}
	w.serve(gate.New(w.Store, c.Engine, w.Now, nil))
	for _, name := range c.Domains {
		w.Domain(name)
	}
	stewards := map[string][]string{}
	for _, p := range c.People {
		w.Person(p)
		if p.Steward {
			stewards[p.Domain] = append(stewards[p.Domain], p.Name)
		}
	}
	for domain, people := range stewards {
		w.Stewards(domain, people...)
	}
	return w
}

// serve makes the services over the gate.
func (w *World) serve(g *gate.Gate) {
	w.Gate = g
	log := slog.New(slog.NewTextHandler(w.Output(), nil))
	w.Identity, w.Mesh, w.Access = identity.New(w.Store, g, identity.Sessions{Life: 12 * time.Hour, Idle: 2 * time.Hour}, w.Now), mesh.New(w.Store, g, w.Now, log), access.New(w.Store, g, w.Now, log)
}

// DecisionLog takes the decisions that no change carries.
type DecisionLog interface {
	Append(ctx context.Context, d model.DecisionRecord) error
	Note(ctx context.Context, rows ...model.DecisionRecord) error
}

// LogDecisions makes the services anew, so that their decisions go to the log from now on.
func (w *World) LogDecisions(l DecisionLog) { w.serve(gate.New(w.Store, w.Engine, w.Now, l)) }

// Now is the time in this world.
func (w *World) Now() time.Time { return model.Now().Add(w.turned) }

// Turn sets the clock so far ahead of the machine's.
func (w *World) Turn(ahead time.Duration) { w.turned = ahead }

// System acts as the server itself.
func (w *World) System() context.Context { return model.WithPrincipal(w.Context(), model.System()) }

// Must ends the test at an error that no story expects.
func (w *World) Must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// Domain makes a domain.
func (w *World) Domain(name string) model.Domain {
	w.Helper()
	d, err := w.Mesh.CreateDomain(w.System(), mesh.NewDomain{Name: model.Slug(name), Description: "All of " + name + "."})
	w.Must(err)
	w.Domains[name] = d
	return d
}

// Person lets somebody join the company.
func (w *World) Person(p Person) model.Principal {
	w.Helper()
	if p.Kind == "" {
		p.Kind = model.Person
	}
	made, err := w.Identity.CreatePrincipal(w.System(), identity.NewPrincipal{
		Kind: p.Kind, Name: p.Name, DomainID: w.id(p.Domain), Roles: p.Roles, Clearance: p.Clearance,
	})
	w.Must(err)
	w.People[p.Name] = made
	return made
}

// Token lets somebody sign in for an hour, and gives the secret.
func (w *World) Token(name string) string {
	w.Helper()
	_, secret, err := w.Identity.IssueToken(w.System(), identity.NewToken{PrincipalID: w.People[name].ID, Name: "test", Lifetime: time.Hour})
	w.Must(err)
	return secret
}

// Stewards gives a domain its stewards, and no others.
func (w *World) Stewards(domain string, people ...string) {
	w.Helper()
	ids := make([]model.ID, len(people))
	for i, name := range people {
		ids[i] = w.People[name].ID
	}
	d, err := w.Mesh.UpdateDomain(w.System(), mesh.DomainEdit{ID: w.id(domain), StewardIDs: &ids})
	w.Must(err)
	w.Domains[domain] = d
}

// id gives the id of a domain; no name is no domain.
func (w *World) id(domain string) model.ID {
	w.Helper()
	d, known := w.Domains[domain]
	if domain != "" && !known {
		w.Fatalf("there is no domain %s in this company", domain)
	}
	return d.ID
}

// Put writes records behind the services' backs, as a harvest or an older program would have.
// The event is about the first of them.
func (w *World) Put(writes ...store.Write) {
	w.Helper()
	if len(writes) == 0 {
		return
	}
	_, err := w.Store.Apply(w.Context(), store.Change{Actor: model.System().ID, Action: "test.put", Subject: writes[0].Record.ID, Writes: writes})
	w.Must(err)
}

// Asset is a table of the domain, as a harvest shows it.
func (w *World) Asset(domain, name string) model.Asset {
	w.Helper()
	a := model.Asset{
		Meta: model.Meta{ID: model.NewID(model.PrefixAsset)}, Namespace: "postgres://db", Name: name, ShortName: name,
		Kind: model.KindTable, Status: model.AssetActive, DomainID: w.id(domain),
	}
	w.Put(store.Assets.Put(a))
	return a
}

// Last is the newest event.
func (w *World) Last() model.Event {
	w.Helper()
	e, err := store.Events.First(w.Context(), w.Store, store.Query{Index: "by_seq", Desc: true})
	w.Must(err)
	return e
}
