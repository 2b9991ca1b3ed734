// Package demo is a small company to look at: three domains, their databases,
// their people, one pending request and one refusal. It is made through the
// same services as everything else, so whatever it shows, a user can do.
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

// Company makes the demo.
type Company struct {
	Identity *identity.Service
	Mesh     *mesh.Service
	Access   *access.Service
	Catalog  *catalog.Service
	Harvest  *harvest.Service

	domains map[model.Slug]model.Domain
	people  map[string]model.Principal
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
	if err := c.trade(ctx); err != nil {
		return nil, fmt.Errorf("trade in the company: %w", err)
	}
	return c.tokens(ctx)
}

// settle makes the domains and the people, each steward of their own domain.
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
	return nil
}

// as lets a person of the company act.
func (c *Company) as(ctx context.Context, person string) context.Context {
	return model.WithPrincipal(ctx, c.people[person])
}

// harvest runs every source once, through real plugin processes.
func (c *Company) harvest(ctx context.Context, dir string) error {
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
		if run.Status != model.RunSucceeded {
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

// trade publishes two products, leaves one request pending and one read refused.
func (c *Company) trade(ctx context.Context) error {
	orders, err := c.publish(c.as(ctx, "ana"), "sqlite://shop", []string{"orders", "order_lines", "order_totals"}, mesh.NewProduct{
		Name: "orders", DomainID: c.domains["sales"].ID, DisplayName: "Orders",
		Description:     "Every order of the shop with its lines and totals, refreshed each night.",
		BusinessContext: "The basis of revenue reporting. An order counts once it is placed, whether or not it is paid.",
		Classification:  model.Confidential, Tags: []string{"revenue"},
	})
	if err != nil {
		return err
	}
	_, err = c.publish(c.as(ctx, "cy"), "sqlite://warehouse", []string{"delivery_times"}, mesh.NewProduct{
		Name: "delivery_times", DomainID: c.domains["operations"].ID, DisplayName: "Delivery times",
		Description: "Days from order to arrival, one row a delivered order.", Classification: model.Internal, Tags: []string{"kpi"},
	})
	if err != nil {
		return err
	}
	bo := c.as(ctx, "bo")
	if _, err := c.Access.MayRead(bo, orders.ID, "campaign attribution"); err != nil {
		return err
	}
	_, err = c.Access.Request(bo, access.NewRequest{ProductID: orders.ID, Purpose: "Attribute revenue to the spring campaigns.", Duration: 30 * 24 * time.Hour})
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

// tokens gives every person a token that outlasts a day of looking around.
func (c *Company) tokens(ctx context.Context) (map[string]string, error) {
	secrets := map[string]string{}
	for person, p := range c.people {
		_, secret, err := c.Identity.IssueToken(ctx, identity.NewToken{PrincipalID: p.ID, Name: "demo", Lifetime: 24 * time.Hour})
		if err != nil {
			return nil, err
		}
		secrets[person] = secret
	}
	return secrets, nil
}
