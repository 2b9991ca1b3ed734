package servertest

import (
	"context"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/access"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/store"
)

// purpose is what stories want data for, unless they say otherwise.
const purpose = "attribute revenue"

// Actor is somebody who acts. It is the context that services take, so that
// what no verb below says can be said with the service itself.
type Actor struct {
	context.Context

	w    *World
	name string
}

// As lets somebody act, as they stand in the store at this moment: with the
// roles they have now, not those that they came with.
func (w *World) As(name string) Actor {
	w.Helper()
	who, known := w.People[name]
	if !known {
		w.Fatalf("there is no %s in this company", name)
	}
	p, err := store.Principals.Get(w.Context(), w.Store, who.ID)
	w.Must(err)
	return Actor{Context: model.WithPrincipal(w.Context(), p), w: w, name: name}
}

// Draft makes a product of the actor's own domain, over one table.
func (a Actor) Draft(name string, c model.Classification) model.DataProduct {
	a.w.Helper()
	domain := a.w.domainOf(a.name)
	asset := a.w.Asset(domain, name)
	p, err := a.w.Mesh.CreateProduct(a, mesh.NewProduct{
		Name: model.Slug(name), DomainID: a.w.Domains[domain].ID, Description: "What it says.", Classification: c,
		Ports: []model.Port{{Name: "tables", Direction: model.OutputPort, Description: "All of it.", AssetIDs: []model.ID{asset.ID}}},
	})
	a.w.Must(err)
	return p
}

// Publish makes a product and puts it on offer.
func (a Actor) Publish(name string, c model.Classification) model.DataProduct {
	a.w.Helper()
	p, err := a.w.Mesh.PublishProduct(a, a.Draft(name, c).ID)
	a.w.Must(err)
	return p
}

// Request is a request for access on its way.
type Request struct {
	model.AccessRequest

	w   *World
	err error
}

// Request asks for access to a product, for a month.
func (a Actor) Request(p model.DataProduct) *Request {
	a.w.Helper()
	const month = 30 * 24 * time.Hour
	r, err := a.w.Access.Request(a, access.NewRequest{ProductID: p.ID, Purpose: purpose, Duration: month})
	return &Request{AccessRequest: r, w: a.w, err: err}
}

// ApprovedBy lets people vote for the request, one after the other.
func (r *Request) ApprovedBy(people ...string) *Request {
	r.w.Helper()
	for _, name := range people {
		r.w.Must(r.err)
		r.AccessRequest, r.err = r.w.Access.Approve(r.w.As(name), r.ID, "fine")
	}
	return r
}

// Result is what the last step gave.
func (r *Request) Result() (model.AccessRequest, error) { return r.AccessRequest, r.err }

// Expect holds the request to where it stands.
func (r *Request) Expect(status model.RequestStatus) *Request {
	r.w.Helper()
	r.w.Must(r.err)
	if r.Status != status {
		r.w.Errorf("the request is %s with %v, want %s", r.Status, r.Reasons, status)
	}
	return r
}

// Reading is what the policies say to somebody who wants to read.
type Reading struct {
	model.Decision

	w    *World
	what string
}

// Read asks whether the actor may read the product's data.
func (a Actor) Read(p model.DataProduct) Reading {
	a.w.Helper()
	d, err := a.w.Access.MayRead(a, p.ID, purpose)
	a.w.Must(err)
	return Reading{Decision: d, w: a.w, what: a.name + " reads " + string(p.Name)}
}

// Expect holds the decision to its outcome.
func (r Reading) Expect(outcome model.Outcome) {
	r.w.Helper()
	if r.Outcome != outcome {
		r.w.Errorf("%s: got %s %v, want %s", r.what, r.Outcome, r.Reasons, outcome)
	}
}

// domainOf gives the domain that somebody belongs to, by its name.
func (w *World) domainOf(person string) string {
	w.Helper()
	for name, d := range w.Domains {
		if d.ID == w.People[person].DomainID {
			return name
		}
	}
	w.Fatalf("%s belongs to no domain", person)
	return ""
}
