package access_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/access"
	"github.com/souk-mesh/souk/server/audit"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
)

const day = 24 * time.Hour

// world is a small company under the policies that Souk ships: ana is steward
// of sales, bo of marketing, cy of nothing but the whole platform, dan works in
// marketing and eve in sales.
type world struct {
	*servertest.World

	meeting *meeting
	audit   *audit.Service
}

// newWorld makes the company under the shipped policies and these files, by their paths.
func newWorld(t *testing.T, files map[string]string) *world {
	t.Helper()
	c := servertest.Company{
		Domains: []string{"sales", "marketing", "legal"}, Open: open,
		People: []servertest.Person{
			{Name: "ana", Domain: "sales", Steward: true, Clearance: model.Confidential},
			{Name: "bo", Domain: "marketing", Steward: true, Clearance: model.Restricted},
			{Name: "cy", Clearance: model.Restricted, Roles: []model.Role{model.RoleAdmin, model.RoleSteward}},
			{Name: "dan", Domain: "marketing", Clearance: model.Confidential},
			{Name: "eve", Domain: "sales", Clearance: model.Confidential},
		},
	}
	if files != nil {
		c.Engine = servertest.Under(t, files)
	}
	w := &world{World: servertest.New(t, c)}
	w.meeting = &meeting{Store: w.Store}
	w.Access, w.audit = access.New(w.meeting, w.Gate, w.Now, slog.New(slog.DiscardHandler)), audit.New(w.Store, w.Gate, nil, nil)
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

func (w *world) request(person string, p model.DataProduct) model.AccessRequest {
	w.Helper()
	r, err := w.As(person).Request(p).Result()
	w.Must(err)
	return r
}

func (w *world) approve(person string, r model.AccessRequest) model.AccessRequest {
	w.Helper()
	r, err := w.Access.Approve(w.As(person), r.ID, "fine")
	w.Must(err)
	return r
}

// grants counts what the store holds, whoever may see it.
func (w *world) grants() []model.Grant {
	w.Helper()
	page, err := store.Grants.Find(w.Context(), w.Store, store.Query{Index: "by_status"})
	w.Must(err)
	return page.Nodes
}

// actions lists the actions of the newest events, the oldest of them first.
func (w *world) actions(last int) []string {
	w.Helper()
	page, err := w.audit.Events(w.As("cy"), audit.EventFilter{}, model.Paging{First: last})
	w.Must(err)
	words := make([]string, len(page.Nodes))
	for i, e := range page.Nodes {
		words[len(words)-1-i] = e.Action
		if e.DecisionID == "" {
			w.Errorf("event %s has no decision", e.Action)
		}
	}
	return words
}
