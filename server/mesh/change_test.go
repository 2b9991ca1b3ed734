package mesh_test

import (
	"context"
	"log/slog"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
)

func (w *world) published(name string, class model.Classification, owner string) model.DataProduct {
	w.Helper()
	p, err := w.CreateProduct(w.As("ana"), mesh.NewProduct{
		Name: model.Slug(name), DomainID: w.sales.ID, Description: "What it says.", Classification: class, OwnerID: w.People[owner].ID,
		Ports: []model.Port{output("tables", w.asset(w.sales, name))},
	})
	if err == nil {
		p, err = w.PublishProduct(w.As("ana"), p.ID)
	}
	if err != nil || p.Status != model.Published {
		w.Fatalf("got %s, %v, want it published", p.Status, err)
	}
	return p
}

func (w *world) pending(person string, subject model.ID) model.ProposedChange {
	w.Helper()
	c, err := w.Pending(w.As(person), subject)
	if err != nil || c == nil {
		w.Fatalf("got %v, %v, want a change that waits", c, err)
	}
	return *c
}

// What publishing was asked about waits when an owner who may not publish
// changes it on a published product.
func TestChangesOfWhatIsPublishedWait(t *testing.T) {
	for name, edit := range map[string]func(w *world, e *mesh.ProductEdit){
		"classification": func(_ *world, e *mesh.ProductEdit) { e.Classification = new(model.Public) },
		"visibility":     func(_ *world, e *mesh.ProductEdit) { e.Visibility = new(model.VisibleToDomain) },
		"description":    func(_ *world, e *mesh.ProductEdit) { e.Description = new("Other words.") },
		"owner":          func(w *world, e *mesh.ProductEdit) { e.OwnerID = new(w.People["ana"].ID) },
		"ports": func(w *world, e *mesh.ProductEdit) {
			e.Ports = &[]model.Port{output("tables", w.asset(w.sales, "hidden"))}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			was := w.published("orders", model.Confidential, "eve")
			e := mesh.ProductEdit{ID: was.ID}
			edit(w, &e)
			now, err := w.UpdateProduct(w.As("eve"), e)
			if err != nil || len(was.Differs(now)) != 0 {
				t.Fatalf("got %v, %v, want the product as it was", was.Differs(now), err)
			}
			c := w.pending("ana", was.ID)
			if _, err := w.UpdateProduct(w.As("eve"), e); !model.Is(err, model.KindConflict) {
				t.Errorf("a second change: got %v, want a conflict", err)
			}
			if _, err := w.ApproveChange(w.As("eve"), c.ID, ""); !model.Is(err, model.KindDenied) {
				t.Errorf("eve approves her own: got %v, want a refusal", err)
			}
			if c, err = w.ApproveChange(w.As("ana"), c.ID, "fine"); err != nil || c.Status != model.ChangeApplied {
				t.Fatalf("got %s for %v, %v, want it applied", c.Status, c.Reasons, err)
			}
			now, err = w.Product(w.As("ana"), was.ID)
			if err != nil || !slices.Equal(was.Differs(now), c.Fields) {
				t.Errorf("got %v changed, %v, want %v", was.Differs(now), err, c.Fields)
			}
		})
	}
}

func TestHarmlessChangesAndBadOnes(t *testing.T) {
	w := newWorld(t)
	p := w.published("orders", model.Confidential, "eve")
	if now, err := w.UpdateProduct(w.As("eve"), mesh.ProductEdit{ID: p.ID, DisplayName: new("All orders")}); err != nil || now.DisplayName != "All orders" {
		t.Errorf("a harmless change: got %q, %v", now.DisplayName, err)
	}
	_, err := w.UpdateProduct(w.As("ana"), mesh.ProductEdit{ID: p.ID, Description: new("")})
	wantReason(t, err, "publish.description")
	if now, err := w.UpdateProduct(w.As("ana"), mesh.ProductEdit{ID: p.ID, Classification: new(model.Restricted)}); err != nil || now.Classification != model.Restricted {
		t.Errorf("a steward who closes further: got %s, %v", now.Classification, err)
	}
	if c, err := w.UpdateProduct(w.As("eve"), mesh.ProductEdit{ID: p.ID, Description: new("Other words.")}); err != nil || c.Description != p.Description {
		t.Fatal(err)
	}
	waiting := w.pending("eve", p.ID)
	if waiting, err = w.WithdrawChange(w.As("eve"), waiting.ID, "no"); err != nil || waiting.Status != model.ChangeWithdrawn {
		t.Errorf("got %s, %v, want it withdrawn", waiting.Status, err)
	}
}

// One steward alone does not open what is restricted.
func TestOneStewardAloneDoesNotOpen(t *testing.T) {
	w := newWorld(t)
	w.Person(servertest.Person{Name: "cy", Roles: []model.Role{model.RoleSteward}})
	w.Person(servertest.Person{Name: "di", Roles: []model.Role{model.RoleSteward}})
	p := w.published("salaries", model.Restricted, "ana")
	now, err := w.UpdateProduct(w.As("ana"), mesh.ProductEdit{ID: p.ID, Classification: new(model.Public)})
	if err != nil || now.Classification != model.Restricted {
		t.Fatalf("got %s, %v, want RESTRICTED until others agree", now.Classification, err)
	}
	c := w.pending("ana", p.ID)
	can, err := w.CanChange(w.As("ana"), c.ID, model.ActChangeApprove)
	if err != nil || can[model.ActChangeApprove] != model.Deny {
		t.Errorf("ana can %v, %v, want not to approve", can, err)
	}
	if c, err = w.ApproveChange(w.As("cy"), c.ID, ""); err != nil || c.Status != model.ChangePending {
		t.Fatalf("got %s, %v, want PENDING with one word of two", c.Status, err)
	}
	if c, err = w.ApproveChange(w.As("di"), c.ID, ""); err != nil || c.Status != model.ChangeApplied {
		t.Fatalf("got %s for %v, %v, want it applied", c.Status, c.Reasons, err)
	}
}

// A product offers what another domain owns once that domain has consented,
// and no longer than it does.
func TestOfferingWhatAnotherDomainOwns(t *testing.T) {
	w := newWorld(t)
	table := w.published("orders", model.Confidential, "ana").Assets(model.OutputPort)[0]
	p, err := w.CreateProduct(w.As("bo"), mesh.NewProduct{
		Name: "aaa", DomainID: w.marketing.ID, Description: "Orders.", Classification: model.Public, Ports: []model.Port{output("tables", table)},
	})
	if err != nil || !slices.Equal(p.Unconsented, []model.ID{table}) {
		t.Fatalf("got %v unconsented, %v, want the table", p.Unconsented, err)
	}
	if can, err := w.Can(w.As("bo"), p.ID, model.ActProductPublish); err != nil || can[model.ActProductPublish] != model.NeedsApproval {
		t.Errorf("bo can %v, %v, want to publish with the word of sales", can, err)
	}
	if p, err = w.PublishProduct(w.As("bo"), p.ID); err != nil || p.Status != model.Draft {
		t.Fatalf("got %s, %v, want a DRAFT until sales agrees", p.Status, err)
	}
	if can, err := w.Can(w.As("bo"), p.ID, model.ActProductPublish); err != nil || can[model.ActProductPublish] != model.Deny {
		t.Errorf("bo can %v, %v, want not to publish what waits already", can, err)
	}
	c := w.pending("bo", p.ID)
	if c, err = w.ApproveChange(w.As("ana"), c.ID, "for attribution"); err != nil || c.Status != model.ChangeApplied {
		t.Fatalf("got %s for %v, %v, want it applied", c.Status, c.Reasons, err)
	}
	p, err = w.Product(w.As("bo"), p.ID)
	if err != nil || p.Status != model.Published || len(p.Unconsented) != 0 || p.Consents[0].DomainID != w.sales.ID {
		t.Fatalf("got %+v, %v, want it published with the consent of sales", p, err)
	}
	if _, err := w.RevokeConsent(w.As("eve"), p.ID, nil, ""); !model.Is(err, model.KindDenied) {
		t.Errorf("eve revokes: got %v, want a refusal", err)
	}
	if p, err = w.RevokeConsent(w.As("ana"), p.ID, nil, "over"); err != nil || !slices.Equal(p.Unconsented, []model.ID{table}) {
		t.Errorf("got %v unconsented, %v, want the table again", p.Unconsented, err)
	}
	can, err := w.Can(w.As("bo"), p.ID, model.ActDataRead)
	if err != nil || can[model.ActDataRead] != model.Deny {
		t.Errorf("bo can %v, %v, want nothing without consent", can, err)
	}
	if _, err = w.AskForConsent(w.As("bo"), p.ID); err != nil {
		t.Fatal(err)
	}
	if c, err = w.RejectChange(w.As("ana"), w.pending("ana", p.ID).ID, "no"); err != nil || c.Status != model.ChangeRejected {
		t.Errorf("got %s, %v, want it rejected", c.Status, err)
	}
}

// A port of a published product pointed at another domain's table waits too.
func TestPointingAPortAtAnotherDomain(t *testing.T) {
	w := newWorld(t)
	p := w.published("orders", model.Internal, "ana")
	foreign := w.asset(w.marketing, "leads")
	leads, err := w.CreateProduct(w.As("bo"), mesh.NewProduct{
		Name: "leads", DomainID: w.marketing.ID, Description: "Leads.", Ports: []model.Port{output("tables", foreign)},
	})
	if err == nil {
		_, err = w.PublishProduct(w.As("bo"), leads.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	now, err := w.UpdateProduct(w.As("ana"), mesh.ProductEdit{ID: p.ID, Ports: &[]model.Port{output("tables", foreign)}})
	if err != nil || len(p.Differs(now)) != 0 {
		t.Fatalf("got %v changed, %v, want nothing yet", p.Differs(now), err)
	}
	if c, err := w.ApproveChange(w.As("bo"), w.pending("ana", p.ID).ID, ""); err != nil || c.Status != model.ChangeApplied {
		t.Errorf("got %s for %v, %v, want it applied", c.Status, c.Reasons, err)
	}
}

// What an earlier server published, and what comes to have another owner, is
// shown as wanting consent.
func TestOwnersChange(t *testing.T) {
	w := newWorld(t)
	p := w.published("orders", model.Public, "ana")
	id := p.Assets(model.OutputPort)[0]
	a, err := store.Assets.Get(t.Context(), w.Store, id)
	if err != nil {
		t.Fatal(err)
	}
	for _, owner := range []model.ID{w.marketing.ID, "", w.sales.ID} {
		a.DomainID = owner
		if _, err := w.Store.Apply(t.Context(), store.Change{Action: "test", Writes: []store.Write{store.Assets.Put(a)}}); err != nil {
			t.Fatal(err)
		}
		if err := w.WeighAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		p, err = w.Product(w.As("ana"), p.ID)
		if want := owner != w.sales.ID; err != nil || (len(p.Unconsented) == 1) != want || p.Status != model.Published {
			t.Errorf("owned by %q: got %v unconsented, %s, %v", owner, p.Unconsented, p.Status, err)
		}
		if a, err = store.Assets.Get(t.Context(), w.Store, id); err != nil {
			t.Fatal(err)
		}
	}
}

// A steward makes nobody a steward alone, a service least of all.
func TestNewStewardsTakeAnotherWord(t *testing.T) {
	w := newWorld(t)
	w.Person(servertest.Person{Name: "cy", Roles: []model.Role{model.RoleSteward}})
	bot := w.Person(servertest.Person{Kind: model.Service, Name: "bot", Domain: "sales"})
	with := func(more model.ID) mesh.DomainEdit {
		return mesh.DomainEdit{ID: w.sales.ID, StewardIDs: &[]model.ID{w.People["ana"].ID, more}}
	}
	_, err := w.UpdateDomain(w.As("ana"), with(bot.ID))
	servertest.WantField(t, err, model.KindInvalid, "stewardIds")
	for _, approver := range []string{"cy", "root"} { // the platform stands in for the only steward; an administrator's word is enough
		w := newWorld(t)
		w.Person(servertest.Person{Name: "cy", Roles: []model.Role{model.RoleSteward}})
		e := mesh.DomainEdit{ID: w.sales.ID, StewardIDs: &[]model.ID{w.People["ana"].ID, w.People["eve"].ID}}
		d, err := w.UpdateDomain(w.As("ana"), e)
		if err != nil || d.HasSteward(w.People["eve"].ID) {
			t.Fatalf("got %v, %v, want eve to wait", d.StewardIDs, err)
		}
		c := w.pending("ana", d.ID)
		if _, err := w.ApproveChange(w.As("ana"), c.ID, ""); !model.Is(err, model.KindDenied) {
			t.Errorf("ana approves her own: got %v, want a refusal", err)
		}
		can, err := w.CanChange(w.As(approver), c.ID, model.ActChangeApprove)
		if err != nil || can[model.ActChangeApprove] != model.Allow {
			t.Errorf("%s can %v, %v, want to approve", approver, can, err)
		}
		if c, err = w.ApproveChange(w.As(approver), c.ID, ""); err != nil || c.Status != model.ChangeApplied {
			t.Fatalf("%s: got %s for %v, %v, want it applied", approver, c.Status, c.Reasons, err)
		}
		if d, err = w.Service.Domain(w.As("ana"), d.ID); err != nil || !d.HasSteward(w.People["eve"].ID) {
			t.Errorf("%s: got %v, %v, want eve among them", approver, d.StewardIDs, err)
		}
	}
	if d, err := w.UpdateDomain(w.As("root"), with(bot.ID)); err != nil || !d.HasSteward(bot.ID) {
		t.Errorf("an administrator names a service: got %v, %v", d.StewardIDs, err)
	}
}

// A server that follows the events asks for consent when an asset comes to have
// another owner, without being told to look.
func TestNewOwnersAreAsked(t *testing.T) {
	w := newWorld(t)
	p := w.published("orders", model.Public, "ana")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { w.Run(ctx); close(ended) }()
	defer func() { stop(); <-ended }()
	lacks := func(want int) {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
			now, err := w.Product(w.As("ana"), p.ID)
			if err == nil && len(now.Unconsented) == want {
				return
			}
			if err != nil || time.Now().After(end) {
				t.Fatalf("got %v without consent, %v, want %d assets", now.Unconsented, err, want)
			}
		}
	}
	for _, owner := range []model.Domain{w.marketing, w.sales} {
		a, err := store.Assets.Get(t.Context(), w.Store, p.Assets(model.OutputPort)[0])
		if err != nil {
			t.Fatal(err)
		}
		a.DomainID = owner.ID
		if _, err := w.Store.Apply(t.Context(), store.Change{Action: "test", Writes: []store.Write{store.Assets.Put(a)}}); err != nil {
			t.Fatal(err)
		}
		lacks(map[model.ID]int{w.marketing.ID: 1, w.sales.ID: 0}[owner.ID])
	}
}

// TestSeveralAssetsAtOnce finds the products over each of several assets: those
// that a harvest touches with one event, and those of one product.
func TestSeveralAssetsAtOnce(t *testing.T) {
	w := newWorld(t)
	orders, lines := w.asset(w.sales, "orders"), w.asset(w.sales, "lines")
	both, one := w.product("both", output("tables", orders, lines)), w.product("one", output("tables", lines))
	for _, p := range []*model.DataProduct{&both, &one} {
		var err error
		*p, err = w.PublishProduct(w.As("ana"), p.ID)
		w.Must(err)
	}
	also, err := w.AlsoOffered(w.As("ana"), both.ID, one.ID)
	w.Must(err)
	if len(also[both.ID]) != 1 || also[both.ID][0].ID != one.ID || len(also[one.ID]) != 1 {
		t.Errorf("got %v, want each offered by the other", also)
	}

	looks := &looks{Store: w.Store}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { mesh.New(looks, w.Gate, w.Now, slog.New(slog.DiscardHandler)).Run(ctx); close(ended) }()
	defer func() { stop(); <-ended }()
	for looks.whole.Load() == 0 { // what comes from here on comes by the feed
		time.Sleep(time.Millisecond)
	}
	w.moved(w.marketing, orders, lines)
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		now, err := w.Product(w.As("ana"), both.ID)
		w.Must(err)
		if len(now.Unconsented) == 2 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("got %v without consent, want both", now.Unconsented)
		}
	}
	if n := looks.whole.Load(); n != 1 {
		t.Errorf("all products were looked at %d times, want once, at the start: the rest follows the feed", n)
	}
}

// looks counts how often somebody begins to read all published products.
type looks struct {
	store.Store

	whole atomic.Int64
}

func (l *looks) Find(ctx context.Context, q store.Query) (store.Page, error) {
	if q.Kind == store.Products.Kind() && q.Index == "by_status" && q.After == "" && reflect.DeepEqual(q.Where, store.Eq("status", string(model.Published))) {
		l.whole.Add(1)
	}
	return l.Store.Find(ctx, q)
}

// moved gives assets to another domain in one change.
func (w *world) moved(to model.Domain, assets ...model.ID) {
	w.Helper()
	found, err := store.Assets.GetMany(w.Context(), w.Store, assets...)
	w.Must(err)
	var writes []store.Write
	for _, a := range found {
		a.DomainID = to.ID
		writes = append(writes, store.Assets.Put(a))
	}
	w.Put(writes...)
}
