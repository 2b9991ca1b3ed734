package server

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/policy"
)

// named lets people in by their name, which no other rule looks at.
const named = `package souk.domains.sales

import rego.v2

allow contains {"code": "sales.ana", "message": "You are Ana."} if {
	input.action.name in {"metadata.view", "data.read", "product.update"}
	input.subject.name == "ana"
}
`

// masking is a server with one product of sales, which ana owns. It is tested
// from within, since only the engine puts rules in force without votes.
type masking struct {
	*Server

	t       *testing.T
	ctx     context.Context
	product model.ID
}

func newMasking(t *testing.T) *masking {
	t.Helper()
	cfg := Defaults()
	cfg.Store = "sqlite:" + filepath.Join(t.TempDir(), "souk.db")
	s, err := New(t.Context(), cfg, nil, slog.New(slog.NewTextHandler(t.Output(), nil)))
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	system := model.WithPrincipal(t.Context(), model.System())
	sales, err := s.Mesh.CreateDomain(system, mesh.NewDomain{Name: "sales"})
	must(t, err)
	ana, err := s.Identity.CreatePrincipal(system, identity.NewPrincipal{Kind: model.Person, Name: "ana", DomainID: sales.ID, Clearance: model.Confidential})
	must(t, err)
	_, err = s.Mesh.UpdateDomain(system, mesh.DomainEdit{ID: sales.ID, StewardIDs: &[]model.ID{ana.ID}})
	must(t, err)
	ctx := model.WithPrincipal(t.Context(), ana)
	p, err := s.Mesh.CreateProduct(ctx, mesh.NewProduct{Name: "orders", DomainID: sales.ID, Description: "Every order."})
	must(t, err)
	return &masking{s, t, ctx, p.ID}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// force puts rules of sales in force; none are those of the template.
func (m *masking) force(texts ...string) {
	m.t.Helper()
	d := policy.Draft{Domain: "sales"}
	for _, text := range texts {
		d.Modules = append(d.Modules, model.PolicyModule{Path: "domains/sales/named.rego", Text: text})
	}
	_, err := m.engine.Activate(m.t.Context(), d)
	must(m.t, err)
}

// touch changes the product, and leaves the decision for the log to copy.
func (m *masking) touch(description string) {
	m.t.Helper()
	_, err := m.Mesh.UpdateProduct(m.ctx, mesh.ProductEdit{ID: m.product, Description: &description})
	must(m.t, err)
}

// wantLast looks at the last row about the action: whether its name is masked.
func (m *masking) wantLast(action model.Action, masked bool) {
	m.t.Helper()
	page, err := m.Decisions.Find(m.t.Context(), decisionlog.Filter{Actions: []model.Action{action}}, model.Paging{First: 1})
	must(m.t, err)
	row := page.Nodes[0]
	if slices.Contains(row.Masked, "subject.name") != masked || strings.Contains(string(row.Input), `"ana"`) == masked {
		m.t.Errorf("%s: masked %v in %s", action, row.Masked, row.Input)
	}
}

// wantSame makes every decision again that the rules in force have made.
func (m *masking) wantSame(least int64) {
	m.t.Helper()
	report, err := m.Replay(m.t.Context(), decisionlog.Filter{}, nil)
	must(m.t, err)
	if !report.OK() || report.Same < least {
		m.t.Errorf("replay: got %+v, want at least %d the same", report, least)
	}
}

// TestMaskedDecisionsComeOutTheSame keeps what no rule reads as a hash, from
// which the decision can be made again, and what a rule reads as it is.
func TestMaskedDecisionsComeOutTheSame(t *testing.T) {
	m := newMasking(t)
	for _, c := range []struct {
		rules  []string
		masked bool
	}{{nil, true}, {[]string{named}, false}} {
		m.force(c.rules...)
		d, err := m.Access.MayRead(m.ctx, m.product, "billing")
		must(t, err)
		if !d.Allowed() {
			t.Fatalf("got %+v", d)
		}
		m.wantLast(model.ActDataRead, c.masked)
		m.wantSame(2)
	}
}

// consenting lets people of marketing use the data of others for one purpose.
func consenting(purpose string) policy.Draft {
	return policy.Draft{Domain: "marketing", Modules: []model.PolicyModule{{Path: "domains/marketing/consent.rego", Text: `package souk.domains.marketing

import rego.v2

consent contains {"code": "marketing.yes", "message": "Yes."} if input.context.purpose == "` + purpose + `"
`}}}
}

// TestDecisionsOfAnotherConsentAreNotMadeAgain changes what the asker's own
// domain consents to: its decisions are then those of other revisions.
func TestDecisionsOfAnotherConsentAreNotMadeAgain(t *testing.T) {
	m := newMasking(t)
	system := model.WithPrincipal(t.Context(), model.System())
	marketing, err := m.Mesh.CreateDomain(system, mesh.NewDomain{Name: "marketing"})
	must(t, err)
	bo, err := m.Identity.CreatePrincipal(system, identity.NewPrincipal{Kind: model.Person, Name: "bo", DomainID: marketing.ID, Clearance: model.Confidential})
	must(t, err)
	_, err = m.Mesh.UpdateProduct(m.ctx, mesh.ProductEdit{ID: m.product, OwnerID: &bo.ID}) // a draft is hidden from others
	must(t, err)
	m.force(strings.Replace(named, `input.subject.name == "ana"`, `input.subject.domain in {"sales", "marketing"}`, 1))
	read := func(rules policy.Draft, want model.Outcome) {
		t.Helper()
		_, err := m.engine.Activate(t.Context(), rules)
		must(t, err)
		d, err := m.Access.MayRead(model.WithPrincipal(t.Context(), bo), m.product, "billing")
		must(t, err)
		if d.Outcome != want {
			t.Fatalf("got %s %+v, want %s", d.Outcome, d.Reasons, want)
		}
		m.wantLast(model.ActDataRead, true)
	}
	replayed := func() decisionlog.ReplayReport {
		t.Helper()
		report, err := m.Replay(t.Context(), decisionlog.Filter{Actions: []model.Action{model.ActDataRead}}, nil)
		must(t, err)
		return report
	}
	read(consenting("billing"), model.Allow)
	if r := replayed(); r.Found != 0 || r.Same != 1 || r.Skipped != 0 {
		t.Errorf("before: got %+v, want 1 the same", r)
	}
	read(consenting("audit"), model.Deny)
	if r := replayed(); r.Found != 0 || r.Same != 1 || r.Skipped != 1 {
		t.Errorf("after: got %+v, want 1 the same and 1 skipped", r)
	}
}

// TestMaskingFollowsTheRulesThatDecided copies a decision into the log when
// other rules are in force, which do not read what those read that made it.
func TestMaskingFollowsTheRulesThatDecided(t *testing.T) {
	m := newMasking(t)
	must(t, m.Decisions.CatchUp(t.Context()))
	m.force(named)
	m.touch("Every order, and when.")
	m.force()
	must(t, m.Decisions.CatchUp(t.Context()))
	m.wantLast(model.ActProductUpdate, false)
	m.force(named)
	m.wantSame(1)
}

func TestRetentionIsReadInOneNotation(t *testing.T) {
	for text, want := range map[string]time.Duration{"": decisionlog.DefaultRetention, "90d": 90 * 24 * time.Hour, "P90D": 90 * 24 * time.Hour, "2160h": 90 * 24 * time.Hour, "P1DT12H": 36 * time.Hour} {
		if got, err := (Config{Retention: text}).retention(); err != nil || got != want {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
	}
}
