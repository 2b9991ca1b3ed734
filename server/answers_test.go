package server

import (
	"log/slog"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/access"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/governance"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/sqlite"
	"github.com/souk-mesh/souk/server/store/storetest"
)

// TestAnswersAreTheCallersOwn has somebody else write right after each change:
// the answer to a change is still the version that the change made.
func TestAnswersAreTheCallersOwn(t *testing.T) {
	db, err := sqlite.Open(t.Context(), ":memory:")
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	engine := servertest.Shipped(t)
	records := storetest.Rival{Store: db}
	g := gate.New(records, engine, model.Now, nil)
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	people, goods, asking := identity.New(records, g, identity.Sessions{}, model.Now), mesh.New(records, g, model.Now, log), access.New(records, g, model.Now, log)
	ctx := model.WithPrincipal(t.Context(), model.System())
	own := func(what string, m model.Meta, want model.Revision) {
		t.Helper()
		if m.Revision != want || m.UpdatedAt.IsZero() {
			t.Errorf("%s: the answer has revision %d of %v, want the caller's own, %d", what, m.Revision, m.UpdatedAt, want)
		}
	}
	sales, err := goods.CreateDomain(ctx, mesh.NewDomain{Name: "sales"})
	must(t, err)
	own("a domain", sales.Meta, 1)
	team, err := goods.CreateTeam(ctx, mesh.NewTeam{Name: "desk", DomainID: sales.ID})
	must(t, err)
	own("a team", team.Meta, 1)
	ana, err := people.CreatePrincipal(ctx, identity.NewPrincipal{Kind: model.Person, Name: "ana", DomainID: sales.ID, Clearance: model.Confidential})
	must(t, err)
	own("a principal", ana.Meta, 1)
	token, _, err := people.IssueToken(ctx, identity.NewToken{PrincipalID: ana.ID, Name: "desk", Lifetime: time.Hour})
	must(t, err)
	own("a token", token.Meta, 1)
	token, err = people.RevokeToken(ctx, token.ID)
	must(t, err)
	own("a revoked token", token.Meta, 3)
	d, err := goods.UpdateDomain(ctx, mesh.DomainEdit{ID: sales.ID, StewardIDs: &[]model.ID{ana.ID}})
	must(t, err)
	own("an edited domain", d.Meta, 3)
	asAna := model.WithPrincipal(t.Context(), ana)
	p, err := goods.CreateProduct(asAna, mesh.NewProduct{Name: "orders", DomainID: sales.ID, Description: "Every order.", BusinessContext: "Who bought what."})
	must(t, err)
	own("a product", p.Meta, 1)
	text := "Every order, by day."
	p, err = goods.UpdateProduct(asAna, mesh.ProductEdit{ID: p.ID, Description: &text})
	must(t, err)
	own("an edited product", p.Meta, 3)
	p.Status, p.PublishedAt = model.Published, &p.UpdatedAt
	p.Revision++ // the rival's
	_, err = db.Apply(t.Context(), store.Change{Action: "test.publish", Writes: []store.Write{store.Products.Put(p)}})
	must(t, err)
	bo, err := people.CreatePrincipal(ctx, identity.NewPrincipal{Kind: model.Person, Name: "bo", DomainID: sales.ID, Clearance: model.Confidential})
	must(t, err)
	asBo := model.WithPrincipal(t.Context(), bo)
	asked, err := asking.Request(asBo, access.NewRequest{ProductID: p.ID, Purpose: "a report", Duration: time.Hour})
	must(t, err)
	own("a request", asked.Meta, 1)
	if asked.GrantID != "" {
		grant, err := asking.Revoke(asAna, asked.GrantID, "enough")
		must(t, err)
		own("a revoked grant", grant.Meta, 3)
	} else {
		asked, err = asking.Cancel(asBo, asked.ID, "")
		must(t, err)
		own("a withdrawn request", asked.Meta, 3)
	}
	rules := governance.New(governance.Config{Store: records, Gate: g, Engine: engine, Now: model.Now, Log: log})
	t.Cleanup(rules.Close)
	draft, err := rules.Draft(asAna, governance.NewProposal{Domain: "sales", Title: "Let Ana in", Modules: []model.PolicyModule{{Path: "domains/sales/named.rego", Text: named}}})
	must(t, err)
	own("a draft", draft.Meta, 1)
}
