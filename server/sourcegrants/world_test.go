package sourcegrants_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/plugins/kafka"
	"github.com/souk-mesh/souk/plugins/mysql"
	"github.com/souk-mesh/souk/plugins/postgres"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/sdk/plugintest"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/sourcegrants"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

func TestMain(m *testing.M) {
	plugintest.Main(m, sdk.Register(postgres.Plugin()), sdk.Register(mysql.Plugin()), sdk.Register(kafka.Plugin()))
}

// open gives each world its store.
var open enginetest.Open = enginetest.SQLite

// world is a company whose domain sales has a real database: ana is its steward,
// dan of marketing asks for its orders, and reads in it by a role of his own.
type world struct {
	*servertest.World

	grants   *sourcegrants.Service
	launches *launches
	root     *pgx.Conn // to the server
	admin    *pgx.Conn // to the database
	dan      *pgx.Conn
	writer   string
	role     string
	source   model.Source
	product  model.DataProduct
}

// launches launches the plugin of this binary, as the harvest would.
type launches struct {
	mu       sync.Mutex
	count    int
	password string
	reads    string       // the password of who harvests, where the source asks for one
	before   func() error // instead of the launch
}

func (l *launches) Use(ctx context.Context, source model.Source, log *slog.Logger, call func(context.Context, *host.Process, map[string]string) error) error {
	l.mu.Lock()
	l.count++
	before := l.before
	l.mu.Unlock()
	if before != nil {
		return before()
	}
	p, err := host.Launch(ctx, host.Self(source.Plugin), host.Limits{}, log)
	if err != nil {
		return err
	}
	secrets := map[string]string{"grants.password": l.password}
	if l.reads != "" {
		secrets["password"] = l.reads
	}
	return errors.Join(call(ctx, p, secrets), p.Close())
}

// dying is a store that the server does not reach any more when it would write
// what it has done.
type dying struct {
	store.Store

	at string // the action
}

func (d dying) Apply(ctx context.Context, c store.Change) (model.Event, error) {
	if c.Action == d.at {
		return model.Event{}, errors.New("the server is gone")
	}
	return d.Store.Apply(ctx, c)
}

func newWorld(tb testing.TB, rules map[string]string) *world {
	tb.Helper()
	w := newCompany(tb, rules)
	u := w.database()
	w.harvested("postgres", u.Path[1:]+".app.orders", map[string]any{"url": u.String(), "namespace": "postgres://shop", "transport": "clear", "grants": map[string]string{"role": w.writer}})
	return w
}

// newCompany is one without a source.
func newCompany(tb testing.TB, rules map[string]string) *world {
	tb.Helper()
	c := servertest.Company{
		Domains: []string{"sales", "marketing"}, Open: open,
		People: []servertest.Person{
			{Name: "ana", Domain: "sales", Steward: true, Clearance: model.Confidential},
			{Name: "bo", Domain: "marketing", Steward: true, Clearance: model.Confidential},
			{Name: "dan", Domain: "marketing", Clearance: model.Confidential},
		},
	}
	if rules != nil {
		c.Engine = servertest.Under(tb, rules)
	}
	w := &world{World: servertest.New(tb, c), launches: &launches{password: "canary-writer"}}
	w.grants = w.replica()
	return w
}

// harvested is a source with its table, of which sales offers a product.
func (w *world) harvested(plugin, table string, settings map[string]any) {
	w.Helper()
	config, err := json.Marshal(settings)
	w.Must(err)
	sales := w.Domains["sales"].ID
	w.source = model.Source{Meta: model.Meta{ID: model.NewID(model.PrefixSource)}, Name: "shop", DomainID: sales, Plugin: plugin, Config: config}
	asset := model.Asset{
		Meta: model.Meta{ID: model.NewID(model.PrefixAsset)}, Namespace: plugin + "://shop", Name: table, ShortName: "orders", Kind: model.KindTable, Status: model.AssetActive,
		DomainID: sales, Fields: []model.AssetField{{Name: "id", Position: 1, NativeType: "integer"}, {Name: "email", Position: 2, NativeType: "text"}},
		Sightings: []model.Sighting{{SourceID: w.source.ID, Scope: "database:shop", Rank: 10, DomainID: sales, Kind: model.KindTable}},
	}
	w.Put(store.Sources.Put(w.source), store.Assets.Put(asset))
	w.product = w.offer("orders", asset)
}

// offer is a product of sales that is published over the asset.
func (w *world) offer(name model.Slug, asset model.Asset) model.DataProduct {
	w.Helper()
	p, err := w.Mesh.CreateProduct(w.As("ana"), mesh.NewProduct{
		Name: name, DomainID: w.Domains["sales"].ID, Description: "What was ordered.", Classification: model.Internal,
		Ports: []model.Port{{Name: "tables", Direction: model.OutputPort, Description: "All of it.", AssetIDs: []model.ID{asset.ID}}},
	})
	w.Must(err)
	p, err = w.Mesh.PublishProduct(w.As("ana"), p.ID)
	w.Must(err)
	return p
}

// address is that of the database, as the role uses it.
func (w *world) address(role string) string {
	w.Helper()
	var config struct{ URL string }
	w.Must(json.Unmarshal(w.source.Config, &config))
	u, err := url.Parse(config.URL)
	w.Must(err)
	u.User = url.User(role)
	return u.String()
}

// databaseName is that of the source.
func (w *world) databaseName() string {
	w.Helper()
	u, err := url.Parse(w.address(w.role))
	w.Must(err)
	return strings.TrimPrefix(u.Path, "/")
}

// replica is one more server on the same store.
func (w *world) replica() *sourcegrants.Service { return w.replicaOn(w.Store) }

func (w *world) replicaOn(s store.Store) *sourcegrants.Service {
	return sourcegrants.New(sourcegrants.Config{Store: s, Gate: w.Gate, Plugins: w.launches, Now: w.Now, Log: slog.New(slog.NewTextHandler(w.Output(), nil))})
}

// database makes one with a table that has a column more than was harvested.
func (w *world) database() *url.URL {
	w.Helper()
	address := os.Getenv("SOUK_TEST_POSTGRES_URL")
	switch {
	case address != "":
	case os.Getenv("SOUK_TEST_SKIP") == "never":
		w.Fatal("SOUK_TEST_POSTGRES_URL is not set, and SOUK_TEST_SKIP forbids to skip")
	default:
		w.Skip("SOUK_TEST_POSTGRES_URL is not set; .ci/postgres starts a server and prints it")
	}
	u, err := url.Parse(address)
	if err != nil {
		w.Fatal("SOUK_TEST_POSTGRES_URL is no URL")
	}
	name := fmt.Sprintf("souk_rights_%x", rand.Uint64())
	w.writer, w.role = name+"_writer", name+"_dan"
	root := w.dial(address)
	w.root = root
	run(w, root, "create database "+name, "create role "+w.writer+" login password 'canary-writer'", "create role "+w.role+" login password 'canary-dan'")
	u.Path = "/" + name
	w.admin = w.dial(u.String())
	run(w, w.admin, "create schema app", "create table app.orders (id int, email text, secret text)", "insert into app.orders values (1, 'eve@acme.example', 'x')",
		"grant usage on schema app to "+w.writer+" with grant option", "grant select on app.orders to "+w.writer+" with grant option", "create schema souk_grants authorization "+w.writer)
	u.User = url.UserPassword(w.role, "canary-dan")
	w.dan = w.dial(u.String())
	w.Cleanup(func() {
		_, _ = w.dan.Close(context.Background()), w.admin.Close(context.Background()) // the server ends them in any case
		for _, q := range []string{"drop database " + name + " with (force)", "drop role " + w.writer, "drop role " + w.role} {
			if _, err := root.Exec(context.Background(), q); err != nil {
				w.Error(err)
			}
		}
		_ = root.Close(context.Background())
	})
	plain := *u
	plain.User = url.User("souk")
	return &plain
}

func (w *world) dial(address string) *pgx.Conn {
	w.Helper()
	conn, err := pgx.Connect(w.Context(), address)
	w.Must(err)
	return conn
}

func run(w *world, conn *pgx.Conn, statements ...string) {
	w.Helper()
	for _, q := range statements {
		if _, err := conn.Exec(w.Context(), q); err != nil {
			w.Fatalf("%s: %v", q, err)
		}
	}
}

// may tells whether dan can run the query.
func (w *world) may(query string) bool {
	w.Helper()
	_, err := w.dan.Exec(w.Context(), query)
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "42501" {
		return false
	}
	w.Must(err)
	return true
}

// name names dan's role.
func (w *world) name() model.SourceRole {
	w.Helper()
	r, err := w.grants.SetRole(w.As("ana"), sourcegrants.NewRole{SourceID: w.source.ID, PrincipalID: w.People["dan"].ID, Role: w.role})
	w.Must(err)
	return r
}

// grant lets dan ask, and ana say yes.
func (w *world) grant() model.Grant {
	w.Helper()
	r, err := w.As("dan").Request(w.product).ApprovedBy("ana").Result()
	w.Must(err)
	g, err := store.Grants.Get(w.Context(), w.Store, r.GrantID)
	w.Must(err)
	return g
}

// tend does rounds until there is nothing due.
func (w *world) tend() {
	w.Helper()
	w.grants.Anew()
	for range 3 {
		w.Must(w.grants.Tend(w.System()))
	}
}

// row is the one row that there is.
func (w *world) row() model.SourceGrant {
	w.Helper()
	page, err := store.SourceGrants.Find(w.Context(), w.Store, store.Query{Index: "by_created"})
	w.Must(err)
	if len(page.Nodes) != 1 {
		w.Fatalf("there are %d rows, want one", len(page.Nodes))
	}
	return page.Nodes[0]
}

// revoke ends a grant, and tends what follows.
func (w *world) revoke(g model.Grant) {
	w.Helper()
	_, err := w.Access.Revoke(w.As("ana"), g.ID, "over")
	w.Must(err)
	w.tend()
}

// onlyApplied is the one row that the source has as it shall have it.
func (w *world) onlyApplied() model.SourceGrant {
	w.Helper()
	page, err := store.SourceGrants.Find(w.Context(), w.Store, store.Query{Index: "by_state", Where: store.Eq("state", string(model.SourceGrantApplied))})
	w.Must(err)
	if len(page.Nodes) != 1 {
		w.Fatalf("%d rights are given, want one", len(page.Nodes))
	}
	return page.Nodes[0]
}

func (w *world) expect(state model.SourceGrantState, code string) model.SourceGrant {
	w.Helper()
	r := w.row()
	got := ""
	if r.Failure != nil {
		got = r.Failure.Code
	}
	if r.State != state || got != code {
		w.Fatalf("the row is %s with %+v, want %s %s", r.State, r.Failure, state, code)
	}
	return r
}
