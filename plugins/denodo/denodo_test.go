package denodo_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/plugins/denodo"
	"github.com/souk-mesh/souk/plugins/internal/memory"
	"github.com/souk-mesh/souk/sdk"
)

func opened(t *testing.T, f *fake, more object) sdk.Source {
	t.Helper()
	s, err := sdk.Register(denodo.Plugin()).Open(t.Context(), config(t, f.start(t), more), secrets, sdk.Env{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func harvest(t *testing.T, f *fake, more object) (*memory.Sink, error) {
	t.Helper()
	m := memory.New()
	err := opened(t, f, more).Harvest(t.Context(), sdk.Request{}, m)
	return m, err
}

// view finds a view of the database shop.
func view(m *memory.Sink, name string) *sdk.Asset { return m.Assets["denodo://acme:9996 shop."+name] }

var everything = []string{"database:admin", "database:crm", "database:shop"}

// plain makes the user one who has METADATA on the databases and no more.
func plain(f *fake) {
	for _, r := range f.procedures["GET_CATALOG_EFFECTIVE_PERMISSIONS"].rows {
		r[1] = "f"
	}
}

// TestRights holds that a database that is not shown whole retires nothing.
func TestRights(t *testing.T) {
	for name, tt := range map[string]struct {
		do   func(*fake)
		more object
		done []string
		note string
	}{
		"an administrator":  {func(*fake) {}, nil, append(slices.Clone(everything), "server"), ""},
		"METADATA on each":  {plain, nil, everything, ""},
		"EXECUTE on one":    {func(f *fake) { plain(f); privileges(f, "shop", "t") }, nil, everything, ""},
		"none on one":       {func(f *fake) { plain(f); privileges(f, "shop", "f") }, nil, []string{"database:admin", "database:crm"}, "denodo.no_metadata"},
		"none, and trusted": {func(f *fake) { plain(f); privileges(f, "shop", "f") }, object{"rights": "trust"}, append(slices.Clone(everything), "server"), ""},
		"one database":      {func(*fake) {}, object{"includeDatabases": []string{"crm"}}, []string{"database:crm"}, ""},
		"one is left out":   {func(*fake) {}, object{"excludeDatabases": []string{"shop"}}, []string{"database:admin", "database:crm"}, ""},
		"one is not there":  {func(*fake) {}, object{"includeDatabases": []string{"crm", "none"}}, []string{"database:crm"}, "denodo.no_database"},
		"of a view alone":   {func(f *fake) { plain(f); privileges(f, "shop", "f"); elementRight(f) }, nil, []string{"database:admin", "database:crm"}, "denodo.no_metadata"},
		"a database fails": {func(f *fake) {
			f.fails["GET_VIEWS() WHERE input_database_name = 'crm'"] = "Error executing query. Total time 0.1 seconds."
		}, nil, []string{"database:admin", "database:shop", "server"}, "denodo.database"},
		"a database refuses": {func(f *fake) {
			f.fails["GET_VIEW_COLUMNS() WHERE input_database_name = 'crm'"] = "The user does not have CONNECT privileges on the database 'crm'"
		}, nil, []string{"database:admin", "database:shop", "server"}, "denodo.database"},
	} {
		f := newShop()
		tt.do(f)
		m, err := harvest(t, f, tt.more)
		if err != nil || !slices.Equal(m.SortedDone(), tt.done) || (tt.note == "") == (len(m.Notes[tt.note]) == 1) {
			t.Errorf("%s: %v, %v, %v", name, err, m.SortedDone(), m.Notes)
		}
	}
}

// privileges leaves the user EXECUTE on a database, or nothing.
func privileges(f *fake, database, execute string) {
	for _, r := range f.procedures["GET_CATALOG_EFFECTIVE_PERMISSIONS"].rows {
		if r[2] == database {
			r[5], r[7], r[8] = "f", execute, "f"
		}
	}
}

func elementRight(f *fake) {
	f.procedures["GET_CATALOG_EFFECTIVE_PERMISSIONS"].add(user, "f", "shop", "bv_orders", "View", "f", "t", "t", "t")
}

// TestLineageThatIsKept holds what a server does not tell: what is known stays.
func TestLineageThatIsKept(t *testing.T) {
	for name, tt := range map[string]struct {
		do   func(*fake)
		more object
		note string
		of   string // the view that the note is about, or a part of its sample
		edge string // that is not told
	}{
		"columns fail": {func(f *fake) {
			f.fails["COLUMN_DEPENDENCIES() WHERE input_view_database_name = 'shop' AND input_view_name = 'big'"] = "Received exception with"
		}, nil, "denodo.lineage_unknown", "shop.big", "-> shop.big"},
		"a view is not for the user":   {func(f *fake) { set(f, "VIEW_DEPENDENCIES", "i_orders", "No Privileges") }, nil, "denodo.lineage_unknown", "shop.i_orders", "-> shop.i_orders"},
		"a column is not for the user": {func(f *fake) { set(f, "COLUMN_DEPENDENCIES", "i_orders", "No Privileges") }, nil, "denodo.lineage_unknown", "shop.i_orders", "-> shop.i_orders"},
		"a table is not told": {func(f *fake) {
			f.fails["GET_SOURCE_COLUMNS() WHERE input_database_name = 'shop' AND input_view_name = 'bv_orders'"] = "GET_SOURCE_COLUMNS [STORED_PROCEDURE] [ERROR]"
		}, nil, "denodo.lineage_unknown", "shop.bv_orders", "-> shop.bv_orders"},
		"an address is refused":   {func(f *fake) { f.fails["DATASOURCE JDBC \"shop\".\"ds_my\""] = "The user does not have privileges" }, nil, "denodo.lineage_unknown", "shop.bv_customers", "-> shop.bv_customers"},
		"the address has no form": {func(f *fake) { f.vql["DATASOURCE JDBC shop.ds_my"] = "DATABASEURI = '${ADDRESS}'" }, nil, "denodo.source_unknown", "shop.ds_my", "-> shop.bv_customers"},
		"addresses are left":      {func(*fake) {}, object{"addresses": "leave"}, "denodo.source_unknown", "shop.ds_my", "-> shop.bv_customers"},
		"the VQL is refused":      {func(f *fake) { f.fails["DESC VQL VIEW \"shop\".\"big\""] = "The user does not have privileges" }, nil, "denodo.no_vql", "shop.big", "nothing"},
		"a view without columns":  {func(f *fake) { drop(f, "GET_VIEW_COLUMNS", "big") }, nil, "denodo.no_columns", "shop.big", "-> shop.big"},
	} {
		f := newShop()
		tt.do(f)
		m, err := harvest(t, f, tt.more)
		about := slices.ContainsFunc(m.Notes[tt.note], func(n sdk.Note) bool {
			return n.Asset.Name == tt.of || strings.HasPrefix(n.Sample, tt.of)
		})
		told := slices.ContainsFunc(m.Edges, func(e string) bool { return strings.Contains(e, tt.edge) })
		if err != nil || !about || told || !slices.Contains(m.Done, "database:shop") {
			t.Errorf("%s: %v, %v, %v", name, err, m.Notes, m.Edges)
		}
	}
}

// set changes the type of what a view is built on, and takes its name away.
func set(f *fake, procedure, view, kind string) {
	p := f.procedures[procedure]
	at, of, name := slices.Index(p.columns, "dependency_type"), slices.Index(p.columns, "view_name"), slices.Index(p.columns, "dependency_name")
	for _, r := range p.rows {
		if r[of] == view {
			r[at], r[name] = kind, "-"
		}
	}
}

func drop(f *fake, procedure, view string) {
	p := f.procedures[procedure]
	of := slices.Index(p.columns, "view_name")
	p.rows = slices.DeleteFunc(p.rows, func(r []string) bool { return r[of] == view })
}

// TestWithoutAdministration holds a user to whom data sources are not told: the
// place of all those of a database may be named.
func TestWithoutAdministration(t *testing.T) {
	untold := func() *fake {
		f := newShop()
		plain(f)
		p := f.procedures["VIEW_DEPENDENCIES"]
		p.rows = slices.DeleteFunc(p.rows, func(r []string) bool { return strings.HasSuffix(r[6], "Datasource") })
		return f
	}
	m, err := harvest(t, untold(), nil)
	if err != nil || len(m.Notes["denodo.lineage_unknown"]) != 3 || len(m.Notes["denodo.source_unknown"]) != 1 {
		t.Error(err, m.Notes)
	}
	m, err = harvest(t, untold(), object{"dataSources": object{"shop": "postgres://other.example/erp"}})
	if err != nil || !slices.ContainsFunc(m.Edges, func(e string) bool { return strings.HasPrefix(e, "DERIVES erp.public.orders -> shop.bv_orders id>id") }) {
		t.Error(err, m.Edges)
	}
	f := newShop()
	m, err = harvest(t, f, object{"dataSources": object{"shop.ds_pg": "postgres://other.example/erp"}})
	if err != nil || !slices.ContainsFunc(m.Edges, func(e string) bool { return strings.HasPrefix(e, "DERIVES erp.public.orders") }) || slices.ContainsFunc(f.asked, func(vql string) bool { return strings.Contains(vql, `"ds_pg"`) }) {
		t.Error(err, m.Edges)
	}
}

// TestLeftOut holds that what is not wanted is not asked for.
func TestLeftOut(t *testing.T) {
	for _, tt := range []struct {
		more  object
		never []string
		edges int
	}{
		{object{"lineage": "leave", "definitions": "leave"}, []string{"DEPENDENCIES", "DESC", "GET_SOURCE"}, 0},
		{object{"lineage": "views", "definitions": "leave"}, []string{"COLUMN_DEPENDENCIES", "DESC VQL VIEW"}, 9},
		{object{"addresses": "leave"}, []string{"DATASOURCE", "GET_SOURCE"}, 7},
	} {
		f := newShop()
		m, err := harvest(t, f, tt.more)
		for _, vql := range f.asked {
			for _, never := range tt.never {
				if strings.Contains(vql, never) {
					t.Error(vql)
				}
			}
		}
		if err != nil || len(m.Edges) != tt.edges {
			t.Error(err, tt.more, m.Edges)
		}
	}
}

// TestAnOlderServer holds one without tags, places of columns and the list of
// databases as a procedure.
func TestAnOlderServer(t *testing.T) {
	f := newShop()
	delete(f.procedures, "GET_DATABASES")
	delete(f.procedures, "GET_VIEW_TAGS")
	f.lists["LIST PROCEDURES"] = []string{"own"}
	p := f.procedures["GET_VIEW_COLUMNS"]
	p.columns = p.columns[:len(p.columns)-1]
	for i, r := range p.rows {
		p.rows[i] = r[:len(r)-1]
	}
	m, err := harvest(t, f, nil)
	if a := view(m, "bv_customers"); err != nil || a == nil || len(a.Tags) > 0 || a.Fields[2].Name != "last_name" || a.Fields[2].Position != 3 || !slices.Contains(m.Done, "server") {
		t.Error(err, a)
	}
	f = newShop()
	f.procedures["GET_DATABASES"].columns[0] = "name_of_another_kind"
	if _, err := harvest(t, f, nil); memory.ClassOf(err) != sdk.ClassInternal || !strings.Contains(err.Error(), "form that is not known") {
		t.Error(err)
	}
}

// TestViewByView holds a server that does not tell the lineage of all views at once.
func TestViewByView(t *testing.T) {
	whole, err := harvest(t, newShop(), nil)
	if err != nil {
		t.Fatal(err)
	}
	f := newShop()
	f.procedures["VIEW_DEPENDENCIES"].obligatory = []string{"input_view_name"}
	m, err := harvest(t, f, nil)
	if err != nil || !slices.Equal(whole.Edges, m.Edges) || !slices.Equal(whole.Done, m.Done) {
		t.Error(err, m.Edges, m.Notes)
	}
	f = newShop()
	f.procedures["VIEW_DEPENDENCIES"].obligatory = []string{"input_view_name"}
	f.fails["VIEW_DEPENDENCIES() WHERE input_view_database_name = 'shop' AND input_view_name = 'big'"] = "Received exception with"
	m, err = harvest(t, f, nil)
	if err != nil || len(m.Notes["denodo.lineage_unknown"]) != 1 || !slices.Contains(m.Done, "database:shop") {
		t.Error(err, m.Notes, m.Done)
	}
}

// TestBreaks holds faults that end the run: nothing more is done after one.
//
// Bad input: half an answer.
func TestBreaks(t *testing.T) {
	for name, tt := range map[string]struct {
		do    func(*fake)
		more  object
		class sdk.Class
		says  string
	}{
		"half an answer":       {func(f *fake) { f.cuts = "GET_VIEW_COLUMNS() WHERE input_database_name = 'shop'" }, nil, sdk.ClassUnavailable, "breaks off"},
		"a silent server":      {func(f *fake) { f.waits = "VIEW_DEPENDENCIES() WHERE input_view_database_name = 'shop'" }, object{"timeout": "300ms"}, sdk.ClassUnavailable, "takes more than"},
		"no list of rights":    {func(f *fake) { f.fails["PERMISSIONS"] = "Error executing query." }, nil, sdk.ClassUnavailable, "Error executing query"},
		"no databases at all":  {func(f *fake) { f.fails["GET_DATABASES"] = "The user does not have privileges" }, nil, sdk.ClassDenied, "privileges"},
		"the server is full":   {func(f *fake) { f.refuses = "error opening new session: maximum number of connections reached" }, nil, sdk.ClassUnavailable, "maximum number"},
		"the database refuses": {func(f *fake) { f.refuses = "The user does not have CONNECT privileges on the database 'admin'" }, nil, sdk.ClassConfig, "may not connect"},
	} {
		f := newShop()
		tt.do(f)
		m, err := harvest(t, f, tt.more)
		if memory.ClassOf(err) != tt.class || !strings.Contains(fmt.Sprint(err), tt.says) || slices.Contains(m.Done, "database:shop") {
			t.Errorf("%s: %v, %v", name, err, m.Done)
		}
	}
}

// TestCancel holds that a run ends while the server is silent.
func TestCancel(t *testing.T) {
	f := newShop()
	f.waits = "GET_VIEWS() WHERE input_database_name = 'shop'"
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	ctx, stop := context.WithCancel(ctx)
	go func() {
		time.Sleep(50 * time.Millisecond)
		stop()
	}()
	if err := opened(t, f, nil).Harvest(ctx, sdk.Request{}, memory.New()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// breathing is a sink that counts the signs of life.
type breathing struct {
	*memory.Sink
	breaths int
}

func (b *breathing) Progress(int64, int64, string) error {
	b.breaths++
	return nil
}

// TestLives holds that a server that works long is no plugin that hangs.
func TestLives(t *testing.T) {
	f := newShop()
	f.waits = "GET_VIEWS() WHERE input_database_name = 'admin'"
	b := &breathing{Sink: memory.New()}
	if err := opened(t, f, object{"timeout": "200ms"}).Harvest(t.Context(), sdk.Request{}, b); memory.ClassOf(err) != sdk.ClassUnavailable || b.breaths < 2 {
		t.Error(err, b.breaths)
	}
}

// TestThePasswordStays holds that it is sent to nobody who may not have it.
func TestThePasswordStays(t *testing.T) {
	certificate, authority := certify(t)
	for name, tt := range map[string]struct {
		secure *tls.Config
		more   object
		sent   bool
		class  sdk.Class
	}{
		"clear, and not allowed": {nil, object{"transport": "verified"}, false, sdk.ClassConfig},
		"a stranger":             {certificate, object{"transport": "verified"}, false, sdk.ClassConfig},
		"a stranger, allowed":    {certificate, object{"transport": "encrypted"}, true, ""},
		"one who is known":       {certificate, object{"transport": "verified", "authorities": authority}, true, ""},
	} {
		f := newShop()
		f.secure = tt.secure
		m, err := harvest(t, f, tt.more)
		if memory.ClassOf(err) != tt.class || slices.Contains(f.got, password) != tt.sent || (err == nil) != (len(m.Done) == 4) {
			t.Errorf("%s: %v, %v", name, err, f.got)
		}
	}
}

func certify(t *testing.T) (*tls.Config, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	return config, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// TestNames holds names of every kind, each of which has to come back as it is,
// in questions too.
//
// Bad input: names, not UTF-8.
func TestNames(t *testing.T) {
	names := []string{"a.b", `qu"ote`, "it's", "/slash", "emoji 🐪", strings.Repeat("x", 1000), "Case", "case", " ", "a,b", "a=b", `\`, "a$b", "a_%"}
	f := newShop()
	for _, name := range names {
		f.view("shop", name, "derived", "-", "/", "id:int")
		f.procedures["VIEW_DEPENDENCIES"].add("shop", name, "Select", "f", "shop", "bv_file", "Base View", "1")
		f.procedures["COLUMN_DEPENDENCIES"].add("shop", name, "shop", name, "id", "f", "shop", "bv_file", "id", "Base View", "-", "1")
	}
	f.view("shop", "half \xff", "derived", "-", "/", "id:int")
	m, err := harvest(t, f, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		a := m.Assets["denodo://acme:9996 "+sdk.JoinName("shop", name)]
		if a == nil || a.ShortName != name || a.Definition == "" || !slices.Contains(m.Edges, "DERIVES shop.bv_file -> "+sdk.JoinName("shop", name)+" id>id") {
			t.Errorf("%q: %+v", name, a)
		}
	}
	if view(m, "half \uFFFD") == nil {
		t.Error("a name that is no UTF-8 is lost")
	}
}

// TestCommas holds a column whose name has a comma in it, beside one that is made
// of several.
func TestCommas(t *testing.T) {
	f := newShop()
	f.view("shop", "of_odd", "derived", "-", "/", "x:text")
	f.procedures["COLUMN_DEPENDENCIES"].add("shop", "of_odd", "shop", "of_odd", "x", "f", "shop", odd, "🐪,x", "Select", "-", "1")
	m, err := harvest(t, f, nil)
	if want := "DERIVES " + sdk.JoinName("shop", odd) + " -> shop.of_odd 🐪,x>x"; err != nil || !slices.Contains(m.Edges, want) {
		t.Error(err, m.Edges)
	}
}

// TestLoops holds private steps that lead to one another.
func TestLoops(t *testing.T) {
	f := newShop()
	f.procedures["VIEW_DEPENDENCIES"].add("shop", step, "Join", "t", "shop", step, "Join", "1")
	f.procedures["COLUMN_DEPENDENCIES"].add("shop", "orders_joined", "shop", step, "id", "t", "shop", step, "id", "Join", "-", "1")
	m, err := harvest(t, f, nil)
	if err != nil || !slices.ContainsFunc(m.Edges, func(e string) bool { return strings.HasPrefix(e, "DERIVES shop.bv_orders -> shop.orders_joined") }) {
		t.Error(err, m.Edges)
	}
}

// TestCheck holds what a check tells.
func TestCheck(t *testing.T) {
	f := newShop()
	plain(f)
	privileges(f, "crm", "f")
	for name, tt := range map[string]struct {
		more object
		ok   []bool
	}{
		"all is well":      {object{"includeDatabases": []string{"shop"}}, []bool{true, true, true}},
		"a right is short": {object{"includeDatabases": []string{"crm"}}, []bool{true, true, false}},
		"one is not there": {object{"includeDatabases": []string{"none"}}, []bool{true, true, false}},
	} {
		r := &sdk.Report{}
		err := opened(t, f, tt.more).Check(t.Context(), r)
		var ok []bool
		for _, c := range r.Capabilities {
			if ok = append(ok, c.OK); !c.OK && !strings.Contains(c.Fix, "GRANT CONNECT, METADATA ON") {
				t.Error(c)
			}
		}
		if err != nil || !slices.Equal(ok, tt.ok) {
			t.Errorf("%s: %v, %+v", name, err, r.Capabilities)
		}
	}
}

// TestNoSecretIsKept holds that of a data source's VQL its address alone is kept.
func TestNoSecretIsKept(t *testing.T) {
	m, err := harvest(t, newShop(), nil)
	if text := fmt.Sprintf("%+v %+v %v", slices.Collect(maps.Values(m.Assets)), m.Edges, m.Notes); err != nil || strings.Contains(text, "canary") {
		t.Error(err, text)
	}
}
