// Package demo is a small company to look at: three domains, their databases,
// their people and their rules, with a request and a proposal that wait for
// somebody, and refusals to explain. It is made through the same services as
// everything else, so whatever it shows, a user can do.
package demo

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/access"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/governance"
	"github.com/souk-mesh/souk/server/harvest"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/mesh"
)

var (
	//go:embed *.sql
	scripts embed.FS
	//go:embed analytics
	analytics embed.FS
)

// Files is the folder below the demo's own in which the company keeps its
// databases: its sources read nothing else.
const Files = "files"

// Folders is the setting source-folders that the company needs. It makes the folder.
func Folders(dir string) ([]string, error) {
	dir = filepath.Join(dir, Files)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return []string{"sales=" + dir, "marketing=" + dir, "operations=" + dir}, nil
}

// Company makes the demo.
type Company struct {
	Identity   *identity.Service
	Mesh       *mesh.Service
	Access     *access.Service
	Catalog    *catalog.Service
	Harvest    *harvest.Service
	Governance *governance.Service

	domains  map[model.Slug]model.Domain
	people   map[string]model.Principal
	products map[model.Slug]model.DataProduct

	masked, analysts model.PolicyProposal
}

// Open writes the company's databases into the folder, harvests them, and
// returns the tokens of its people by name. The context's principal must be
// the system.
func (c *Company) Open(ctx context.Context, dir string) (map[string]string, error) {
	if err := c.settle(ctx); err != nil {
		return nil, fmt.Errorf("make the company: %w", err)
	}
	if err := c.harvest(ctx, dir); err != nil {
		return nil, fmt.Errorf("harvest the company: %w", err)
	}
	for _, step := range []func(context.Context) error{c.offer, c.draft, c.legislate, c.trade, c.propose} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("run the company: %w", err)
		}
	}
	return c.tokens(ctx)
}

// settle makes the domains with their stewards, and those who work for them.
func (c *Company) settle(ctx context.Context) error {
	c.domains, c.people = map[model.Slug]model.Domain{}, map[string]model.Principal{}
	for _, w := range []struct {
		domain             model.Slug
		title, description string
		person, name       string
		roles              []model.Role
		clearance          model.Classification
	}{
		{"sales", "Sales", "The shop, its customers and their orders.", "ana", "Ana Petrova", []model.Role{model.RoleEmployee}, model.Confidential},
		{"marketing", "Marketing", "Campaigns, what they cost and what they bring.", "bo", "Bo Lindqvist", []model.Role{model.RoleEmployee}, model.Confidential},
		{"operations", "Operations", "Shipping, the warehouse and the platform itself.", "cy", "Cy Okafor", []model.Role{model.RoleEmployee, model.RoleAdmin, model.RoleSteward}, model.Restricted},
	} {
		d, err := c.Mesh.CreateDomain(ctx, mesh.NewDomain{Name: w.domain, DisplayName: w.title, Description: w.description})
		if err != nil {
			return err
		}
		p, err := c.Identity.CreatePrincipal(ctx, identity.NewPrincipal{
			Kind: model.Person, Name: w.person + "@" + string(w.domain), DisplayName: w.name, Email: w.person + "@acme.example",
			DomainID: d.ID, Roles: w.roles, Clearance: w.clearance,
		})
		if err != nil {
			return err
		}
		if d, err = c.Mesh.UpdateDomain(ctx, mesh.DomainEdit{ID: d.ID, StewardIDs: &[]model.ID{p.ID}}); err != nil {
			return err
		}
		c.domains[w.domain], c.people[w.person] = d, p
	}
	return c.hire(ctx)
}

// hire makes a team of Marketing, to which Bo belongs, and Di, who writes the
// rules of Sales: its steward could not vote on rules of her own.
func (c *Company) hire(ctx context.Context) error {
	team, err := c.Mesh.CreateTeam(ctx, mesh.NewTeam{Name: "analysts", DisplayName: "Analysts", DomainID: c.domains["marketing"].ID})
	if err != nil {
		return err
	}
	if c.people["bo"], err = c.Identity.UpdatePrincipal(ctx, identity.PrincipalEdit{ID: c.people["bo"].ID, TeamIDs: &[]model.ID{team.ID}}); err != nil {
		return err
	}
	c.people["di"], err = c.Identity.CreatePrincipal(ctx, identity.NewPrincipal{
		Kind: model.Person, Name: "di@sales", DisplayName: "Di Moreau", Email: "di@acme.example",
		DomainID: c.domains["sales"].ID, Roles: []model.Role{model.RoleEmployee}, Clearance: model.Confidential,
	})
	return err
}

// as lets a person of the company act.
func (c *Company) as(ctx context.Context, person string) context.Context {
	return model.WithPrincipal(ctx, c.people[person])
}

// harvest runs every source once, through real plugin processes.
func (c *Company) harvest(ctx context.Context, dir string) error {
	dir = filepath.Join(dir, Files)
	for _, name := range []string{"shop", "campaigns", "warehouse"} {
		if err := writeDatabase(filepath.Join(dir, name+".db"), name+".sql"); err != nil {
			return err
		}
	}
	if err := os.CopyFS(dir, analytics); err != nil {
		return err
	}
	sources := []struct {
		person, name, plugin string
		domain               model.Slug
		config               map[string]any
	}{
		{"ana", "shop", "sqlite", "sales", map[string]any{"path": filepath.Join(dir, "shop.db"), "name": "shop"}},
		{"bo", "campaigns", "sqlite", "marketing", map[string]any{"path": filepath.Join(dir, "campaigns.db"), "name": "campaigns"}},
		{"cy", "warehouse", "sqlite", "operations", map[string]any{"path": filepath.Join(dir, "warehouse.db"), "name": "warehouse"}},
		{"cy", "analytics", "dbt", "operations", map[string]any{"path": filepath.Join(dir, "analytics"), "namespace": "sqlite://warehouse"}},
	}
	for _, w := range sources[:3] {
		gift := catalog.NamespaceGift{Namespace: "sqlite://" + w.name, DomainID: c.domains[w.domain].ID, Reason: "The company's own."}
		if _, err := c.Catalog.AssignNamespace(c.as(ctx, "cy"), gift); err != nil {
			return err
		}
	}
	runs := make([]model.Run, len(sources))
	for i, w := range sources {
		config, err := json.Marshal(w.config)
		if err != nil {
			return err
		}
		as := c.as(ctx, w.person)
		s, err := c.Harvest.CreateSource(as, harvest.NewSource{Name: model.Slug(w.name), DomainID: c.domains[w.domain].ID, Plugin: w.plugin, Config: config, Schedule: "@hourly"})
		if err != nil {
			return err
		}
		if runs[i], err = c.Harvest.Start(as, s.ID, "manual"); err != nil {
			return err
		}
	}
	for _, run := range runs {
		run, err := c.Harvest.Wait(ctx, run.ID)
		if err != nil {
			return err
		}
		if !run.Status.Through() {
			return fmt.Errorf("run %s of source %s: %s: %+v", run.ID, run.SourceID, run.Status, run.Failure)
		}
	}
	return nil
}

func writeDatabase(path, script string) (err error) {
	text, err := scripts.ReadFile(script)
	if err != nil {
		return err
	}
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		return err
	}
	defer func() { err = closed(conn, err) }()
	return sqlitex.ExecuteScript(conn, string(text), nil)
}

func closed(conn *sqlite.Conn, err error) error {
	if e := conn.Close(); err == nil {
		return e
	}
	return err
}

// offer publishes what the domains have, and leaves a draft of Marketing that
// the standards keep back.
func (c *Company) offer(ctx context.Context) (err error) {
	c.products = map[model.Slug]model.DataProduct{}
	for _, w := range []struct {
		person, namespace string
		assets            []string
		product           mesh.NewProduct
	}{
		{"ana", "sqlite://shop", []string{"orders", "order_lines", "order_totals"}, mesh.NewProduct{
			Name: "orders", DomainID: c.domains["sales"].ID, DisplayName: "Orders",
			Description:     "Every order of the shop with its lines and totals, refreshed each night.",
			BusinessContext: "The basis of revenue reporting. An order counts once it is placed, whether or not it is paid.",
			Classification:  model.Confidential, Tags: []string{"revenue"},
		}},
		{"ana", "sqlite://shop", []string{"products"}, mesh.NewProduct{
			Name: "price_list", DomainID: c.domains["sales"].ID, DisplayName: "Price list",
			Description:     "What the shop sells and for how much, as it stands today.",
			BusinessContext: "Prices of the past are not kept here.", Classification: model.Internal,
		}},
		{"cy", "sqlite://warehouse", []string{"delivery_times"}, mesh.NewProduct{
			Name: "delivery_times", DomainID: c.domains["operations"].ID, DisplayName: "Delivery times",
			Description: "Days from order to arrival, one row a delivered order.", Classification: model.Internal, Tags: []string{"kpi"},
		}},
	} {
		if c.products[w.product.Name], err = c.publish(c.as(ctx, w.person), w.namespace, w.assets, w.product); err != nil {
			return err
		}
	}
	_, err = c.publish(c.as(ctx, "bo"), "sqlite://campaigns", []string{"spend"}, mesh.NewProduct{Name: "spend", DomainID: c.domains["marketing"].ID, DisplayName: "Spend"})
	if model.Is(err, model.KindDenied) {
		return nil
	}
	return fmt.Errorf("a product without a description is published: %w", err)
}

// trade leaves one request pending and two readings refused.
func (c *Company) trade(ctx context.Context) error {
	bo := c.as(ctx, "bo")
	for _, w := range []struct {
		product model.Slug
		purpose string
	}{{"price_list", "Compare what a campaign costs with what it sells."}, {"orders", "Attribute revenue to the spring campaigns."}} {
		if _, err := c.Access.MayRead(bo, c.products[w.product].ID, w.purpose); err != nil {
			return err
		}
	}
	_, err := c.Access.Request(bo, access.NewRequest{ProductID: c.products["orders"].ID, Purpose: "Attribute revenue to the spring campaigns.", Duration: 30 * 24 * time.Hour})
	return err
}

func (c *Company) publish(ctx context.Context, namespace string, assets []string, p mesh.NewProduct) (model.DataProduct, error) {
	port := model.Port{Name: "tables", Direction: model.OutputPort, Description: "The tables as they stand in the database."}
	for _, name := range assets {
		a, err := c.Catalog.AssetByName(ctx, namespace, name)
		if err != nil {
			return model.DataProduct{}, fmt.Errorf("find %s %s: %w", namespace, name, err)
		}
		port.AssetIDs = append(port.AssetIDs, a.ID)
	}
	p.Ports = []model.Port{port}
	made, err := c.Mesh.CreateProduct(ctx, p)
	if err != nil {
		return made, err
	}
	return c.Mesh.PublishProduct(ctx, made.ID)
}

// tokens gives every steward a token that outlasts a day of looking around.
func (c *Company) tokens(ctx context.Context) (map[string]string, error) {
	secrets := map[string]string{}
	for _, person := range []string{"ana", "bo", "cy"} {
		_, secret, err := c.Identity.IssueToken(ctx, identity.NewToken{PrincipalID: c.people[person].ID, Name: "demo", Lifetime: 24 * time.Hour})
		if err != nil {
			return nil, err
		}
		secrets[person] = secret
	}
	return secrets, nil
}
