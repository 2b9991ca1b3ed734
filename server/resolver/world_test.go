package resolver_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/plugins/sqlite"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/credential"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/server/audit"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/catalog/index"
	"github.com/souk-mesh/souk/server/decisionlog"
	"github.com/souk-mesh/souk/server/governance"
	"github.com/souk-mesh/souk/server/harvest"
	"github.com/souk-mesh/souk/server/httpd"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/lineage"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/resolver"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/sourcegrants"
	"github.com/souk-mesh/souk/server/standards"
	"github.com/souk-mesh/souk/server/store"
)

// TestMain lets the test binary serve the harvester, as the souk binary does.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == host.ServeArgument {
		sdk.Serve(sdk.Register(sqlite.Plugin()))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// world is a small company behind the real door: Ana is steward of Sales, Bo
// of Marketing, Cy runs the platform and approves for it, Dee works in
// Marketing and is nobody in particular.
type world struct {
	*servertest.World

	door     http.Handler
	services resolver.Services
	log      *slog.Logger
	tokens   map[string]string
	assets   []model.Asset
	orders   model.DataProduct // of Sales, published, confidential
	draft    model.DataProduct // of Sales
	source   model.Source      // of Sales
}

func newWorld(t *testing.T) *world {
	t.Helper()
	employee := []model.Role{model.RoleEmployee}
	w := &world{log: slog.New(slog.NewTextHandler(t.Output(), nil)), tokens: map[string]string{}, World: servertest.New(t, servertest.Company{
		Domains: []string{"sales", "marketing"}, Engine: servertest.Own(t),
		People: []servertest.Person{
			{Name: "ana", Domain: "sales", Steward: true, Roles: employee, Clearance: model.Confidential},
			{Name: "bo", Domain: "marketing", Steward: true, Roles: employee, Clearance: model.Confidential},
			{Name: "cy", Domain: "marketing", Roles: []model.Role{model.RoleAdmin, model.RoleSteward}, Clearance: model.Restricted},
			{Name: "dee", Domain: "marketing", Roles: employee},
		},
	})}
	for name := range w.People {
		w.tokens[name] = w.Token(name)
	}
	w.open(nil)
	w.furnish()
	return w
}

// open makes the services and the door to them. The decisions of the log are
// shown; nil is no log.
func (w *world) open(l *decisionlog.Log) {
	w.Helper()
	launcher, err := harvest.NewLauncher([]sdk.Registration{sdk.Register(sqlite.Plugin())}, "", "", w.log)
	w.Must(err)
	s := resolver.Services{
		Identity: w.Identity, Mesh: w.Mesh, Access: w.Access, Catalog: catalog.New(w.Store, w.Gate, index.New(w.Store, "", nil), model.Now), Lineage: lineage.New(w.Store, w.Gate),
		Governance: governance.New(governance.Config{Store: w.Store, Gate: w.Gate, Engine: w.Engine, Now: model.Now, Log: w.log}),
		Standards:  standards.New(w.Store, w.Gate, model.Now, w.log),
	}
	s.Audit = audit.New(w.Store, w.Gate, l, s.Governance)
	s.Harvest = harvest.New(harvest.Config{
		Store: w.Store, Gate: w.Gate, Catalog: s.Catalog, Lineage: s.Lineage, Plugins: launcher, Now: model.Now, Log: w.log, Folders: map[model.Slug][]string{"sales": {"/"}},
	})
	s.InSources = sourcegrants.New(sourcegrants.Config{Store: w.Store, Gate: w.Gate, Plugins: s.Harvest, Now: model.Now, Log: w.log})
	w.Cleanup(s.Harvest.Close)
	w.Cleanup(s.Governance.Close)
	w.services = s
	w.serve()
}

// serve opens the door to the services as they are now.
func (w *world) serve() {
	s, log := w.services, w.log
	cfg := httpd.Config{Credential: credential.New().Found}
	door := httpd.New(cfg, log)
	door.Handle("/graphql", door.Signed(s.Identity, httpd.GraphQL(cfg, resolver.Schema(s), log, resolver.Present(log), resolver.Recover(log))))
	w.door = door.Handler()
}

// logged shows the decisions of a log.
func (w *world) logged(l *decisionlog.Log) {
	w.services.Audit = audit.New(w.Store, w.Gate, l, w.services.Governance)
	w.serve()
}

// furnish gives Sales and Ana names to be shown by, and Sales two assets, a
// published product over them, a draft and a source.
func (w *world) furnish() {
	w.Helper()
	shown, ana := "SALES", "Ana"
	_, err := w.Mesh.UpdateDomain(w.System(), mesh.DomainEdit{ID: w.Domains["sales"].ID, DisplayName: &shown})
	w.Must(err)
	_, err = w.Identity.UpdatePrincipal(w.System(), identity.PrincipalEdit{ID: w.People["ana"].ID, DisplayName: &ana})
	w.Must(err)
	var writes []store.Write
	for _, name := range []string{"orders", "lines"} {
		a := model.Asset{
			Meta: model.Meta{ID: model.NewID(model.PrefixAsset)}, Namespace: "sqlite://shop", Name: name, ShortName: name,
			Kind: model.KindTable, Status: model.AssetActive, Platform: "sqlite", DomainID: w.Domains["sales"].ID, Properties: map[string]string{"b": "2", "a": "1"},
		}
		w.assets = append(w.assets, a)
		writes = append(writes, store.Assets.Put(a))
	}
	w.Put(writes...)
	port := model.Port{Name: "tables", Direction: model.OutputPort, AssetIDs: []model.ID{w.assets[0].ID, w.assets[1].ID}}
	made, err := w.Mesh.CreateProduct(w.As("ana"), mesh.NewProduct{
		Name: "orders", DomainID: w.Domains["sales"].ID, DisplayName: "Orders",
		Description: "Every order.", Classification: model.Confidential, Ports: []model.Port{port},
	})
	w.Must(err)
	w.orders, err = w.Mesh.PublishProduct(w.As("ana"), made.ID)
	w.Must(err)
	w.draft, err = w.Mesh.CreateProduct(w.As("ana"), mesh.NewProduct{Name: "draft", DomainID: w.Domains["sales"].ID, DisplayName: "Draft"})
	w.Must(err)
	w.source, err = w.services.Harvest.CreateSource(w.As("ana"), harvest.NewSource{
		Name: "shop", DomainID: w.Domains["sales"].ID, Plugin: "sqlite",
		Config: json.RawMessage(`{"path": ` + strconv.Quote(w.TempDir()+"/shop.db") + `}`),
	})
	w.Must(err)
}

type vars = map[string]any

// reply is what came back over HTTP.
type reply struct {
	t      testing.TB
	status int
	text   string
	Data   any
	Errors []struct {
		Message    string
		Path       []any
		Extensions map[string]any
	}
}

// ask sends one operation in somebody's name.
func (w *world) ask(who, query string, variables vars) reply {
	w.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	w.Must(err)
	r := httptest.NewRequestWithContext(w.Context(), http.MethodPost, "/graphql", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+w.tokens[who])
	rec := httptest.NewRecorder()
	w.door.ServeHTTP(rec, r)
	got := reply{t: w, status: rec.Code, text: rec.Body.String()}
	if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil {
		w.Fatalf("answer is no JSON: %v: %s", err, got.text)
	}
	return got
}

// ok asks and fails the test unless the answer is without errors.
func (w *world) ok(who, query string, variables vars) reply {
	w.Helper()
	got := w.ask(who, query, variables)
	if len(got.Errors) > 0 || strings.Contains(got.text, `"userErrors":[{`) {
		w.Fatalf("%s asks %s\ngot %s", who, query, got.text)
	}
	return got
}

// at follows a path such as products.nodes.0.name into the data.
func (r reply) at(path string) any {
	v := r.Data
	for step := range strings.SplitSeq(path, ".") {
		switch node := v.(type) {
		case map[string]any:
			v = node[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(node) {
				return nil
			}
			v = node[i]
		default:
			return nil
		}
	}
	return v
}

func (r reply) str(path string) string {
	r.t.Helper()
	s, ok := r.at(path).(string)
	if !ok {
		r.t.Fatalf("no text at %s in %s", path, r.text)
	}
	return s
}

// code is the code of the first error, or of the first user error, or "".
func (r reply) code() string {
	if len(r.Errors) > 0 {
		return fmt.Sprint(r.Errors[0].Extensions["code"])
	}
	data, _ := r.Data.(map[string]any)
	for _, payload := range data {
		if p, ok := payload.(map[string]any); ok {
			if list, ok := p["userErrors"].([]any); ok && len(list) > 0 {
				return fmt.Sprint(list[0].(map[string]any)["code"])
			}
		}
	}
	return ""
}
