package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/plugins"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/server/access"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/governance"
	"github.com/souk-mesh/souk/server/harvest"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/sourcegrants"
	"github.com/souk-mesh/souk/server/store"
)

// TestMain lets the test binary serve the harvesters, as the souk binary does.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == host.ServeArgument {
		for _, r := range plugins.All() {
			if r.Info().Name == os.Args[2] {
				sdk.Serve(r)
				os.Exit(0)
			}
		}
	}
	os.Exit(m.Run())
}

// caller is one kind of somebody who knocks at the doors.
type caller struct {
	name, domain string
	kind         model.PrincipalKind
	roles        []model.Role
	clearance    model.Classification
	steward      bool
	about        string
}

// callers are the columns of the matrix. The first two have no principal.
var callers = []caller{
	{name: "nobody", about: "sends no token"},
	{name: "stranger", about: "sends a token that there is none of"},
	{name: "suspended", domain: "sales", kind: model.Person, steward: true, about: "was a steward of sales and is suspended"},
	{name: "guest", kind: model.Person, about: "a person of no domain"},
	{name: "member", domain: "sales", kind: model.Person, clearance: model.Internal, about: "works in sales"},
	{name: "owner", domain: "sales", kind: model.Person, clearance: model.Confidential, about: "works in sales and owns its products"},
	{name: "steward", domain: "sales", kind: model.Person, steward: true, clearance: model.Confidential, about: "a steward of sales"},
	{name: "other", domain: "marketing", kind: model.Person, clearance: model.Confidential, about: "works in marketing"},
	{name: "holder", domain: "marketing", kind: model.Person, clearance: model.Confidential, about: "works in marketing and has a grant on a product of sales"},
	{name: "other_steward", domain: "marketing", kind: model.Person, steward: true, clearance: model.Confidential, about: "a steward of marketing"},
	{name: "platform", domain: "operations", kind: model.Person, roles: []model.Role{model.RoleSteward}, clearance: model.Restricted, about: "a platform steward"},
	{name: "admin", domain: "operations", kind: model.Person, roles: []model.Role{model.RoleAdmin}, clearance: model.Restricted, about: "an administrator"},
	{name: "service", domain: "sales", kind: model.Service, roles: []model.Role{model.RoleEmployee}, about: "a program of sales"},
	{name: "pep", kind: model.Service, roles: []model.Role{model.RolePEP}, about: "a program that asks what others may do"},
	{name: "trusted", kind: model.Service, roles: []model.Role{model.RolePEP, model.RoleTrusted}, about: "one whose word on attributes counts"},
}

// matrix is a small company behind every door of the real server.
type matrix struct {
	*Server

	t       *testing.T
	door    http.Handler
	doors   []string          // their patterns
	ids     map[string]string // what {NAME} stands for in a probe
	tokens  map[string]string
	people  map[string]model.Principal
	domains map[model.Slug]model.Domain
	made    int
}

func newMatrix(t *testing.T, uri string) *matrix {
	t.Helper()
	m := newCompany(t, uri)
	m.furnish()
	m.govern()
	return m
}

// newCompany is the company with its callers and tables, and nothing on offer yet.
func newCompany(t *testing.T, uri string) *matrix {
	t.Helper()
	m := &matrix{t: t, ids: map[string]string{}, tokens: map[string]string{"stranger": "souk_nobody"}, people: map[string]model.Principal{}, domains: map[model.Slug]model.Domain{}}
	cfg := Defaults()
	folder := t.TempDir()
	m.ids["folder"] = folder
	cfg.Folders = []string{"sales=" + folder, "marketing=" + folder}
	cfg.Store, cfg.BundleKey = uri, filepath.Join(t.TempDir(), "bundle.pem")
	cfg.TrinoCatalogs = []string{"shop=postgres://db.acme.example:5432/shop"}
	var err error
	// Three plugins, so that one more in the binary leaves the table as it is.
	m.Server, err = New(t.Context(), cfg, slices.DeleteFunc(plugins.All(), func(r sdk.Registration) bool {
		return !slices.Contains([]string{"dbt", "postgres", "sqlite"}, r.Info().Name)
	}), slog.New(slog.NewTextHandler(t.Output(), nil)))
	must(t, err)
	t.Cleanup(func() { must(t, m.Close()) })
	web := m.web()
	m.door, m.doors = web.Handler(), web.Patterns()
	m.settle()
	m.harvested()
	return m
}

func (m *matrix) system() context.Context {
	return model.WithPrincipal(m.t.Context(), model.System())
}

func (m *matrix) as(who string) context.Context {
	return model.WithPrincipal(m.t.Context(), m.people[who])
}

// settle makes the domains and the callers.
func (m *matrix) settle() {
	stewards := map[model.Slug][]model.ID{}
	for _, name := range []model.Slug{"sales", "marketing", "operations"} {
		d, err := m.Mesh.CreateDomain(m.system(), mesh.NewDomain{Name: name, Description: "All of " + string(name) + "."})
		must(m.t, err)
		m.domains[name], m.ids[string(name)] = d, string(d.ID)
	}
	for _, c := range callers {
		if c.kind == "" {
			continue
		}
		p, err := m.Identity.CreatePrincipal(m.system(), identity.NewPrincipal{
			Kind: c.kind, Name: c.name, DomainID: m.domains[model.Slug(c.domain)].ID, Roles: c.roles, Clearance: c.clearance,
		})
		must(m.t, err)
		_, m.tokens[c.name], err = m.Identity.IssueToken(m.system(), identity.NewToken{PrincipalID: p.ID, Name: "matrix", Lifetime: time.Hour})
		must(m.t, err)
		m.people[c.name], m.ids[c.name] = p, string(p.ID)
		if c.steward {
			stewards[model.Slug(c.domain)] = append(stewards[model.Slug(c.domain)], p.ID)
		}
	}
	for name, ids := range stewards {
		_, err := m.Mesh.UpdateDomain(m.system(), mesh.DomainEdit{ID: m.domains[name].ID, StewardIDs: &ids})
		must(m.t, err)
	}
	suspended := true
	_, err := m.Identity.UpdatePrincipal(m.system(), identity.PrincipalEdit{ID: m.people["suspended"].ID, Suspended: &suspended})
	must(m.t, err)
	team, err := m.Mesh.CreateTeam(m.system(), mesh.NewTeam{Name: "desk", DomainID: m.domains["sales"].ID})
	must(m.t, err)
	m.ids["team"] = string(team.ID)
}

// harvested gives sales three tables.
func (m *matrix) harvested() {
	var writes []store.Write
	for _, name := range []string{"orders", "hidden", "spare"} {
		a := model.Asset{
			Meta: model.Meta{ID: model.NewID(model.PrefixAsset)}, Namespace: "postgres://db.acme.example:5432", Name: "shop.public." + name, ShortName: name,
			Kind: model.KindTable, Status: model.AssetActive, Platform: "postgres", DomainID: m.domains["sales"].ID, Fields: []model.AssetField{{Name: "id", NativeType: "bigint"}},
		}
		m.ids["table."+name] = string(a.ID)
		writes = append(writes, store.Assets.Put(a))
	}
	_, err := m.store.Apply(m.system(), store.Change{Actor: "prn_system", Action: "test.furnish", Writes: writes})
	must(m.t, err)
}

// furnish gives sales a published product over one of its tables, a draft and a source.
func (m *matrix) furnish() {
	m.ids["orders"] = string(m.published().ID)
	m.ids["draft"] = string(m.draft().ID)
	m.ids["source"] = string(m.newSource().ID)
	m.ids["change"] = string(m.change().ID)
	m.ids["request"] = string(m.request().ID)
	m.ids["grant"] = string(m.grant(model.ID(m.ids["orders"])).ID)
	d, err := m.Access.MayRead(m.as("other"), model.ID(m.ids["orders"]), "to look")
	must(m.t, err)
	m.ids["decision"] = string(d.ID)
	run, err := m.Harvest.Start(m.as("steward"), model.ID(m.ids["source"]), "manual")
	must(m.t, err)
	_, err = m.Harvest.Wait(m.system(), run.ID)
	must(m.t, err)
	m.ids["run"] = string(run.ID)
}

const matrixRules = `package souk.domains.sales

import rego.v2

allow contains {"code": "sales.desk", "message": "The desk reads."} if {
	input.action.name == "data.read"
	"sales/desk" in input.subject.teams
}
`

// govern leaves a draft of rules of sales.
func (m *matrix) govern() {
	p := m.proposal()
	m.ids["proposal"], m.ids["revision"] = string(p.ID), string(p.RevisionID)
}

func (m *matrix) proposal() model.PolicyProposal {
	m.made++
	p, err := m.Governance.Draft(m.as("steward"), governance.NewProposal{
		Domain: "sales", Title: "The desk reads " + strconv.Itoa(m.made), Modules: []model.PolicyModule{{Path: "domains/sales/desk.rego", Text: matrixRules}},
	})
	must(m.t, err)
	return p
}

func (m *matrix) name() string {
	m.made++
	return fmt.Sprintf("made_%d", m.made)
}

// draft is a product that nobody else's decides with: only that of the world
// offers the table that the doors are asked about.
func (m *matrix) draft() model.DataProduct {
	table := m.ids["table.orders"]
	if m.ids["orders"] != "" {
		table = m.ids["table.spare"]
	}
	p, err := m.Mesh.CreateProduct(m.as("steward"), mesh.NewProduct{
		Name: model.Slug(m.name()), DomainID: m.domains["sales"].ID, OwnerID: m.people["owner"].ID, Description: "Every order.", Classification: model.Confidential,
		Ports: []model.Port{{Name: "tables", Direction: model.OutputPort, AssetIDs: []model.ID{model.ID(table)}}},
	})
	must(m.t, err)
	return p
}

func (m *matrix) published() model.DataProduct {
	p, err := m.Mesh.PublishProduct(m.as("steward"), m.draft().ID)
	must(m.t, err)
	return p
}

// change is one that the owner of a product proposes.
func (m *matrix) change() model.ProposedChange {
	words, p := "Other words.", m.published()
	_, err := m.Mesh.UpdateProduct(m.as("owner"), mesh.ProductEdit{ID: p.ID, Description: &words})
	must(m.t, err)
	c, err := m.Mesh.Pending(m.as("owner"), p.ID)
	must(m.t, err)
	return *c
}

// consented is a product of marketing that offers a table of sales by consent.
func (m *matrix) consented() model.DataProduct {
	table := model.ID(m.ids["table.spare"])
	p := model.DataProduct{
		Meta: model.Meta{ID: model.NewID(model.PrefixProduct)}, Name: model.Slug(m.name()), DomainID: m.domains["marketing"].ID, OwnerID: m.people["other"].ID,
		DisplayName: "Orders", Description: "Every order.", Classification: model.Confidential, Visibility: model.VisibleToAll, Status: model.Published,
		Ports:    []model.Port{{Name: "tables", Direction: model.OutputPort, AssetIDs: []model.ID{table}}},
		Consents: []model.Consent{{AssetID: table, DomainID: m.domains["sales"].ID}},
	}
	_, err := m.store.Apply(m.system(), store.Change{Actor: "prn_system", Action: "test.consented", Writes: []store.Write{store.Products.Put(p)}})
	must(m.t, err)
	return p
}

func (m *matrix) request() model.AccessRequest {
	r, err := m.Access.Request(m.as("other"), access.NewRequest{ProductID: m.published().ID, Purpose: "to look", Duration: 24 * time.Hour})
	must(m.t, err)
	return r
}

// grant lets the holder read the product.
func (m *matrix) grant(product model.ID) model.Grant {
	r, err := m.Access.Request(m.as("holder"), access.NewRequest{ProductID: product, Purpose: "to look", Duration: 24 * time.Hour})
	must(m.t, err)
	if r.Status == model.RequestPending {
		r, err = m.Access.Approve(m.as("steward"), r.ID, "good")
		must(m.t, err)
	}
	g, err := m.Access.Grant(m.as("holder"), r.GrantID)
	must(m.t, err)
	return g
}

func (m *matrix) newSource() model.Source {
	s, err := m.Harvest.CreateSource(m.as("admin"), harvest.NewSource{
		Name: model.Slug(m.name()), DomainID: m.domains["sales"].ID, Plugin: "sqlite", Config: []byte(`{"path": "shop.db"}`),
	})
	must(m.t, err)
	return s
}

func (m *matrix) newPrincipal() model.Principal {
	p, err := m.Identity.CreatePrincipal(m.system(), identity.NewPrincipal{Kind: model.Person, Name: m.name(), DomainID: m.domains["sales"].ID})
	must(m.t, err)
	return p
}

func (m *matrix) newTeam() model.Team {
	team, err := m.Mesh.CreateTeam(m.as("steward"), mesh.NewTeam{Name: model.Slug(m.name()), DomainID: m.domains["sales"].ID})
	must(m.t, err)
	return team
}

func (m *matrix) newSourceRole() model.SourceRole {
	role, err := m.InSources.SetRole(m.as("steward"), sourcegrants.NewRole{SourceID: m.newSource().ID, PrincipalID: m.people["member"].ID, Role: "reader"})
	must(m.t, err)
	return role
}

// newSourceGrant is one that could not be given.
func (m *matrix) newSourceGrant() model.SourceGrant {
	source, g := m.newSource(), m.grant(m.published().ID)
	row := model.SourceGrant{
		Meta: model.Meta{ID: model.NewID(model.PrefixInSource)}, GrantID: g.ID, SourceID: source.ID, DomainID: source.DomainID, PrincipalID: g.PrincipalID,
		State: model.SourceGrantFailed, Wanted: &model.SourceRight{Role: "reader", Name: "orders"}, Failure: &model.Failure{Code: "denied"},
	}
	_, err := m.store.Apply(m.system(), store.Change{Actor: "prn_system", Action: "test.furnish", Writes: []store.Write{store.SourceGrants.Put(row)}})
	must(m.t, err)
	return row
}

func (m *matrix) newToken() model.Token {
	token, _, err := m.Identity.IssueToken(m.system(), identity.NewToken{PrincipalID: m.people["member"].ID, Name: m.name(), Lifetime: time.Hour})
	must(m.t, err)
	return token
}

// fresh makes the target of one probe, so that no caller finds what another left.
func (m *matrix) fresh(what string) string {
	switch what {
	case "name":
		return m.name()
	case "draft":
		return string(m.draft().ID)
	case "published":
		return string(m.published().ID)
	case "change":
		return string(m.change().ID)
	case "consented":
		return string(m.consented().ID)
	case "request":
		return string(m.request().ID)
	case "grant":
		return string(m.grant(m.published().ID).ID)
	case "inrole":
		return string(m.newSourceRole().ID)
	case "given":
		return string(m.newSourceGrant().ID)
	case "source":
		return string(m.newSource().ID)
	case "namespace":
		n, err := m.Catalog.AssignNamespace(m.system(), catalog.NamespaceGift{Namespace: "sqlite://" + m.name(), DomainID: m.domains["sales"].ID})
		must(m.t, err)
		return string(n.ID)
	case "principal":
		return string(m.newPrincipal().ID)
	case "token":
		return string(m.newToken().ID)
	case "proposal":
		return string(m.proposal().ID)
	case "team":
		return string(m.newTeam().ID)
	case "removed":
		removed, err := m.Mesh.Remove(m.as("steward"), m.newTeam().ID, "a mistake")
		must(m.t, err)
		return string(removed.RecordID)
	}
	m.t.Fatalf("a probe names {new.%s}, which nobody makes", what)
	return ""
}

var placeholder = regexp.MustCompile(`\{(new\.)?([a-z_.]+)\}`)

// fill puts ids in the place of {NAME}, and of {new.NAME} what is made for it.
func (m *matrix) fill(text string) string {
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		parts := placeholder.FindStringSubmatch(found)
		if parts[1] != "" {
			return m.fresh(parts[2])
		}
		id, ok := m.ids[parts[2]]
		if !ok {
			m.t.Fatalf("a probe names {%s}, which is not there", parts[2])
		}
		return id
	})
}

// knock sends a request as the caller would.
func (m *matrix) knock(c caller, r *http.Request) *httptest.ResponseRecorder {
	if token := m.tokens[c.name]; token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	m.door.ServeHTTP(w, r.WithContext(m.t.Context()))
	return w
}
