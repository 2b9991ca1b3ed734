package access_test

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/policies"
	"github.com/souk-mesh/souk/server/access"
	"github.com/souk-mesh/souk/server/audit"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

const day = 24 * time.Hour

// world is a small company on a store in memory, with the policies that Souk
// ships: ana is steward of sales, bo of marketing, cy of nothing but the whole
// platform, and dan works in marketing.
type world struct {
	t        *testing.T
	store    store.Store
	skew     time.Duration // how far the clock has been turned
	meeting  *meeting
	access   *access.Service
	mesh     *mesh.Service
	identity *identity.Service
	audit    *audit.Service
	domains  map[string]model.Domain
	people   map[string]model.Principal
}

var shipped = sync.OnceValues(func() (*policy.Engine, error) { return policy.New(policy.Config{Files: policies.Files}) })

func newWorld(t *testing.T) *world {
	t.Helper()
	engine, err := shipped()
	if err != nil {
		t.Fatal(err)
	}
	return settle(t, engine)
}

// newWorldWith adds files to the policies, by their paths.
func newWorldWith(t *testing.T, files map[string]string) *world {
	t.Helper()
	tree := fstest.MapFS{}
	err := fs.WalkDir(policies.Files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(policies.Files, path)
		tree[path] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range files {
		tree[path] = &fstest.MapFile{Data: []byte(text)}
	}
	engine, err := policy.New(policy.Config{Files: tree})
	if err != nil {
		t.Fatal(err)
	}
	return settle(t, engine)
}

func settle(t *testing.T, engine *policy.Engine) *world {
	t.Helper()
	db := open(t)
	w := &world{t: t, store: db, meeting: &meeting{Store: db}, domains: map[string]model.Domain{}, people: map[string]model.Principal{}}
	now := func() time.Time { return model.Now().Add(w.skew) }
	g := gate.New(db, engine, now)
	w.access, w.mesh, w.identity, w.audit = access.New(w.meeting, g, now), mesh.New(db, g, now), identity.New(db, g, now), audit.New(db, g)
	for _, name := range []string{"sales", "marketing", "legal"} {
		w.domains[name] = w.domain(name)
	}
	w.person("ana", "sales", model.Confidential)
	w.person("bo", "marketing", model.Restricted)
	w.person("cy", "", model.Restricted, model.RoleAdmin, model.RoleSteward)
	w.person("dan", "marketing", model.Confidential)
	w.person("eve", "sales", model.Confidential)
	w.steward("sales", "ana")
	w.steward("marketing", "bo")
	return w
}

// meeting is a store in which so many changes of access are written only once
// all of them have read what they build on.
type meeting struct {
	store.Store
	mu      sync.Mutex
	waits   int
	arrived chan struct{}
}

// expect lets the next n changes wait for each other.
func (m *meeting) expect(n int) { m.waits, m.arrived = n, make(chan struct{}) }

func (m *meeting) Apply(ctx context.Context, c store.Change) (model.Event, error) {
	m.mu.Lock()
	waiting := m.waits > 0
	if m.waits--; m.waits == 0 {
		close(m.arrived)
	}
	m.mu.Unlock()
	if waiting {
		<-m.arrived
	}
	return m.Store.Apply(ctx, c)
}

func (w *world) system() context.Context { return model.WithPrincipal(w.t.Context(), model.System()) }

// as lets a person act, as they stand in the store at this moment.
func (w *world) as(person string) context.Context {
	w.t.Helper()
	p, err := store.Principals.Get(w.t.Context(), w.store, w.people[person].ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return model.WithPrincipal(w.t.Context(), p)
}

func (w *world) domain(name string) model.Domain {
	w.t.Helper()
	d, err := w.mesh.CreateDomain(w.system(), mesh.NewDomain{Name: model.Slug(name)})
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

func (w *world) person(name, domain string, clearance model.Classification, roles ...model.Role) {
	w.t.Helper()
	p, err := w.identity.CreatePrincipal(w.system(), identity.NewPrincipal{
		Kind: model.Person, Name: name, DomainID: w.domains[domain].ID, Roles: roles, Clearance: clearance,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.people[name] = p
}

func (w *world) steward(domain string, people ...string) {
	w.t.Helper()
	var ids []model.ID
	for _, p := range people {
		ids = append(ids, w.people[p].ID)
	}
	if _, err := w.mesh.UpdateDomain(w.system(), mesh.DomainEdit{ID: w.domains[domain].ID, StewardIDs: &ids}); err != nil {
		w.t.Fatal(err)
	}
}

// publish puts a product of sales on offer, owned by ana.
func (w *world) publish(name string, c model.Classification) model.DataProduct {
	w.t.Helper()
	p := w.draft(name, c)
	p, err := w.mesh.PublishProduct(w.as("ana"), p.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) draft(name string, c model.Classification) model.DataProduct {
	w.t.Helper()
	asset := model.Asset{
		Meta: model.Meta{ID: model.NewID(model.PrefixAsset)}, Namespace: "postgres://db", Name: name, Kind: model.KindTable,
		Status: model.AssetActive, DomainID: w.domains["sales"].ID,
	}
	if _, err := w.store.Apply(w.t.Context(), store.Change{Action: "test.asset", Writes: []store.Write{store.Assets.Put(asset)}}); err != nil {
		w.t.Fatal(err)
	}
	p, err := w.mesh.CreateProduct(w.as("ana"), mesh.NewProduct{
		Name: model.Slug(name), DomainID: w.domains["sales"].ID, Description: "What it says.", Classification: c,
		Ports: []model.Port{{Name: "tables", Direction: model.OutputPort, AssetIDs: []model.ID{asset.ID}}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) request(person string, p model.DataProduct) model.AccessRequest {
	w.t.Helper()
	r, err := w.access.Request(w.as(person), access.NewRequest{ProductID: p.ID, Purpose: "attribute revenue", Duration: 30 * day})
	if err != nil {
		w.t.Fatalf("%s requests %s: %v", person, p.Name, err)
	}
	return r
}

func (w *world) approve(person string, r model.AccessRequest) model.AccessRequest {
	w.t.Helper()
	r, err := w.access.Approve(w.as(person), r.ID, "fine")
	if err != nil {
		w.t.Fatalf("%s approves: %v", person, err)
	}
	return r
}

func (w *world) reads(person string, p model.DataProduct, want model.Outcome) {
	w.t.Helper()
	d, err := w.access.MayRead(w.as(person), p.ID, "attribute revenue")
	if err != nil {
		w.t.Fatal(err)
	}
	if d.Outcome != want {
		w.t.Errorf("%s reads %s: got %s %v, want %s", person, p.Name, d.Outcome, d.Reasons, want)
	}
}

// grants counts what the store holds, whoever may see it.
func (w *world) grants() []model.Grant {
	w.t.Helper()
	page, err := store.Grants.Find(w.t.Context(), w.store, store.Query{Index: "by_status"})
	if err != nil {
		w.t.Fatal(err)
	}
	return page.Nodes
}

// actions lists the actions of the newest events, the oldest of them first.
func (w *world) actions(last int) []string {
	w.t.Helper()
	page, err := w.audit.Events(w.as("cy"), audit.EventFilter{}, model.Paging{First: last})
	if err != nil {
		w.t.Fatal(err)
	}
	words := make([]string, len(page.Nodes))
	for i, e := range page.Nodes {
		words[len(words)-1-i] = e.Action
		if e.DecisionID == "" {
			w.t.Errorf("event %s has no decision", e.Action)
		}
	}
	return words
}

// last gives the newest event.
func (w *world) last() model.Event {
	w.t.Helper()
	e, err := store.Events.First(w.t.Context(), w.store, store.Query{Index: "by_seq", Desc: true})
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

func wantKind(t *testing.T, err error, kind model.ErrorKind) {
	t.Helper()
	if !model.Is(err, kind) {
		t.Fatalf("got error %v, want one of kind %s", err, kind)
	}
}

func wantField(t *testing.T, err error, kind model.ErrorKind, field string) {
	t.Helper()
	if e, ok := errors.AsType[*model.Error](err); !ok || e.Kind != kind || e.Field != field {
		t.Fatalf("got error %v, want one of kind %s about %q", err, kind, field)
	}
}

func wantDenied(t *testing.T, err error, code string) {
	t.Helper()
	e, ok := errors.AsType[*model.Error](err)
	if !ok || e.Denial == nil || !slices.ContainsFunc(e.Denial.Reasons, func(r model.Reason) bool { return r.Code == code }) {
		t.Fatalf("got error %v, want a refusal for %s", err, code)
	}
}
