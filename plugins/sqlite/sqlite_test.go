package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	harvester "github.com/souk-mesh/souk/plugins/sqlite"
	"github.com/souk-mesh/souk/sdk"
)

const shop = `
create table Customer (id integer primary key, email text not null, country text default 'DE');
create table orders (
  id integer, day text, customer integer references customer (id), cents integer not null,
  euros real generated always as (cents / 100.0) virtual, vat real generated always as (cents * 0.19) stored,
  primary key (day, id)
) strict;
create table line (
  order_day text, order_id integer, n integer, primary key (order_day, order_id, n),
  foreign key (order_day, order_id) references orders (day, id)
) without rowid;
create table "odd ""name""" ("größe" text);
create view big_orders as select o.*, c.email from orders o join customer c on c.id = o.customer where o.cents > 10000;
create view big_count as select count(*) as n from big_orders;
create view line_count as select count(*) as n from line;
create view with_cte as with x as (select n from line) select n from x union select length("größe") from "odd ""name""";
create virtual table notes using fts5 (body);
insert into customer (email) values ('canary@example.com'), ('b@example.com');
analyze;
`

// memory is a sink that keeps everything.
type memory struct {
	order  []sdk.Record
	assets map[string]*sdk.Asset
	edges  []string
	done   []string
	notes  map[string]string
	unread []string // assets that could not be described
}

func (m *memory) Emit(r sdk.Record) error {
	m.order = append(m.order, r)
	switch r := r.(type) {
	case *sdk.Asset:
		m.assets[r.ID.Name] = r
	case *sdk.Edge:
		m.edges = append(m.edges, r.From.Name+" -> "+r.To.Name)
	}
	return nil
}
func (m *memory) Checkpoint([]byte) error             { return nil }
func (m *memory) ScopeDone(s string) error            { m.done = append(m.done, s); return nil }
func (m *memory) Progress(int64, int64, string) error { return nil }
func (m *memory) Note(n sdk.Note) error {
	if m.notes[n.Code] = n.Sample; n.Asset.Name != "" {
		m.unread = append(m.unread, n.Asset.Name)
	}
	return nil
}

// file writes a database with the statements.
func file(t *testing.T, sql string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "shop.db")
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	if err := sqlitex.ExecuteScript(conn, sql, nil); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func harvest(t *testing.T, c harvester.Config) *memory {
	t.Helper()
	s, err := harvester.Plugin().Open(t.Context(), c, sdk.Env{Files: sdk.NewFiles("/")})
	if err != nil {
		t.Fatal(err)
	}
	m := &memory{assets: map[string]*sdk.Asset{}, notes: map[string]string{}}
	if err := s.Harvest(t.Context(), sdk.Request{}, m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTables(t *testing.T) {
	m := harvest(t, harvester.Config{Path: file(t, shop)})
	kinds := map[string]string{}
	for name, a := range m.assets {
		kinds[name] = a.Kind
	}
	want := map[string]string{
		"Customer": "TABLE", "orders": "TABLE", "line": "TABLE", `odd "name"`: "TABLE", "notes": "TABLE",
		"big_orders": "VIEW", "big_count": "VIEW", "line_count": "VIEW", "with_cte": "VIEW",
	}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"sqlite.shadow_tables": "5"}, m.notes); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"database"}, m.done); diff != "" {
		t.Error(diff)
	}
	if n := m.assets["Customer"].Rows; n == nil || *n != 2 {
		t.Error("the count that ANALYZE left is not taken")
	}
	if m.assets["orders"].Rows != nil {
		t.Error("a count is made up")
	}
}

func TestGoldenOrders(t *testing.T) {
	m := harvest(t, harvester.Config{Path: file(t, shop), Name: "till"})
	want := &sdk.Asset{
		ID: sdk.NativeID{Namespace: "sqlite://till", Name: "orders"}, Scope: "database", Kind: "TABLE", Rank: sdk.Holder, ShortName: "orders",
		Fields: []sdk.Field{
			{Name: "id", Position: 1, NativeType: "INTEGER", PrimaryKey: 2},
			{Name: "day", Position: 2, NativeType: "TEXT", PrimaryKey: 1},
			{Name: "customer", Position: 3, NativeType: "INTEGER", Nullable: true},
			{Name: "cents", Position: 4, NativeType: "INTEGER"},
			{Name: "euros", Position: 5, NativeType: "REAL", Nullable: true, Default: "generated virtual"},
			{Name: "vat", Position: 6, NativeType: "REAL", Nullable: true, Default: "generated stored"},
		},
		ForeignKeys: []sdk.ForeignKey{{Fields: []string{"customer"}, ToName: "Customer", ToFields: []string{"id"}}},
	}
	got := m.assets["orders"]
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	composite := []sdk.ForeignKey{{Fields: []string{"order_day", "order_id"}, ToName: "orders", ToFields: []string{"day", "id"}}}
	if diff := cmp.Diff(composite, m.assets["line"].ForeignKeys); diff != "" {
		t.Error(diff)
	}
}

func TestViewLineage(t *testing.T) {
	path := file(t, shop)
	m := harvest(t, harvester.Config{Path: path})
	want := []string{
		"big_orders -> big_count",
		"Customer -> big_orders", "orders -> big_orders",
		"line -> line_count",
		"line -> with_cte", `odd "name" -> with_cte`,
	}
	if diff := cmp.Diff(want, m.edges); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(m.order, harvest(t, harvester.Config{Path: path}).order); diff != "" {
		t.Error("two harvests differ: " + diff)
	}
}

// TestOneUnreadableViewKeepsOnlyItselfOpen wants the rest of the file complete,
// and the view that is over it noted as well.
func TestOneUnreadableViewKeepsOnlyItselfOpen(t *testing.T) {
	for name, sql := range map[string]string{
		"its table is gone":     "create table a (x); create table b (y); create view v as select x from a; create view w as select y from b; create view over_v as select x from v; drop table a",
		"its function is not":   "create table b (y); create view v as select y as x from b where y regexp 'x'; create view w as select y from b; create view over_v as select x from v",
		"it is over itself too": "create table b (y); create view v as select x from over_v; create view w as select y from b; create view over_v as select x from v",
	} {
		t.Run(name, func(t *testing.T) {
			m := harvest(t, harvester.Config{Path: file(t, sql)})
			if diff := cmp.Diff([]string{"over_v", "v"}, m.unread); diff != "" {
				t.Error(diff)
			}
			if len(m.done) != 1 || m.assets["b"] == nil || m.assets["w"] == nil || m.assets["v"] != nil {
				t.Errorf("done %v, assets %v", m.done, m.assets)
			}
			if diff := cmp.Diff([]string{"b -> w"}, m.edges); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAViewWhoseLineageCannotBeRead has its columns, and keeps what was known
// of what it is made of.
func TestAViewWhoseLineageCannotBeRead(t *testing.T) {
	m := harvest(t, harvester.Config{Path: file(t, "create table b (y); create view v as select y as x from b order by y collate german; create view over_v as select x from v")})
	if diff := cmp.Diff([]string{"v"}, m.unread); diff != "" || m.assets["v"] == nil || len(m.done) != 1 {
		t.Errorf("%s%v %v", diff, m.assets, m.done)
	}
	if diff := cmp.Diff([]string{"v -> over_v"}, m.edges); diff != "" {
		t.Error(diff)
	}
}

func TestReferencesWithoutColumns(t *testing.T) {
	m := harvest(t, harvester.Config{Path: file(t, `
create table Artist (ArtistId integer primary key, name text);
create table pair (a, b, c, primary key (c, a));
create table none (x);
create table album (
  artist integer references artist, again integer references ARTIST (artistid), lost references gone, odd references none, x, y,
  foreign key (x, y) references Pair, foreign key (x) references pair, foreign key (y, x) references pair (A, "C")
)`)})
	want := []sdk.ForeignKey{
		{Fields: []string{"y", "x"}, ToName: "pair", ToFields: []string{"a", "c"}},
		{Fields: []string{"x"}, ToName: "pair"},
		{Fields: []string{"x", "y"}, ToName: "pair", ToFields: []string{"c", "a"}},
		{Fields: []string{"odd"}, ToName: "none"},
		{Fields: []string{"lost"}, ToName: "gone"},
		{Fields: []string{"again"}, ToName: "Artist", ToFields: []string{"ArtistId"}},
		{Fields: []string{"artist"}, ToName: "Artist", ToFields: []string{"ArtistId"}},
	}
	if diff := cmp.Diff(want, m.assets["album"].ForeignKeys); diff != "" {
		t.Error(diff)
	}
}

// TestKeysThatAreNeverNull knows SQLite's own exception: a primary key may be
// null, unless it is the number of the row.
func TestKeysThatAreNeverNull(t *testing.T) {
	m := harvest(t, harvester.Config{Path: file(t, `
create table rowid (k INTEGER primary key); create table later (k Integer, primary key (k desc)); create table quirk (k integer primary key desc);
create table int (k int primary key); create table text (k text primary key); create table two (k integer, j integer, primary key (k, j));
create table without (k text primary key) without rowid; create table clustered (k integer primary key) without rowid; create table strict (k int primary key) strict; create table said (k text primary key not null)`)})
	got := map[string]bool{}
	for name, a := range m.assets {
		got[name] = a.Fields[0].Nullable
	}
	want := map[string]bool{
		"rowid": false, "later": false, "quirk": true, "int": true, "text": true, "two": true, "without": false, "clustered": false, "strict": false, "said": false,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestCaseIsThatOfASCII: SQLite folds 26 letters and no others.
func TestCaseIsThatOfASCII(t *testing.T) {
	m := harvest(t, harvester.Config{Path: file(t, `
create table "É" (a primary key); create table "é" (b primary key); create table Straße (c); create table "STRASSE" (c); create table "K" (k);
create view v1 as select b from "é"; create view v2 as select a from "É"; create view v3 as select k from k; create view "ÖL" as select c from straße; create view "öl" as select c from strasse;
create table r (x references "é", y references "É", z references K)`)})
	want := []string{"é -> v1", "É -> v2", "K -> v3", "Straße -> ÖL", "STRASSE -> öl"}
	if diff := cmp.Diff(want, m.edges); diff != "" {
		t.Error(diff)
	}
	var to []string
	for _, k := range m.assets["r"].ForeignKeys {
		to = append(to, k.ToName+strings.Join(k.ToFields, ","))
	}
	if diff := cmp.Diff([]string{"K", "Éa", "éb"}, to); diff != "" { // the Kelvin sign is no K
		t.Error(diff)
	}
}

func TestADotInANameIsQuoted(t *testing.T) {
	m := harvest(t, harvester.Config{Path: file(t, `create table "a.b" (x primary key); create table c (y references "a.b"); create view v as select x from "a.b"`)})
	a := m.assets[`"a.b"`]
	if a == nil || a.ShortName != "a.b" || len(a.Aliases) != 1 || a.Aliases[0].Name != "a.b" {
		t.Fatalf("got %+v of %v", a, m.assets)
	}
	if got := m.assets["c"].ForeignKeys[0].ToName; got != `"a.b"` || m.edges[0] != `"a.b" -> v` {
		t.Errorf("the key refers to %s, the view is %s", got, m.edges[0])
	}
}

// TestShadowsOfModulesThatAreNotBuiltIn are no tables, and what only has such
// a name is one.
func TestShadowsOfModulesThatAreNotBuiltIn(t *testing.T) {
	m := harvest(t, harvester.Config{Path: file(t, `
create table docs_content (a); create table docs_segments (a); create table docs_segdir (a); create table docs_stat (a); create table docs_words (a);
create table vec_vector_chunks00 (a); create table vec_rowids (a); create table other_content (a);
pragma writable_schema = on;
insert into sqlite_schema (type, name, tbl_name, rootpage, sql) values
  ('table', 'docs', 'docs', 0, 'CREATE VIRTUAL TABLE docs USING "FTS4"(body)'), ('table', 'vec', 'vec', 0, 'CREATE VIRTUAL TABLE vec USING vec0(e float[2])');
pragma writable_schema = off`)})
	var names []string
	for name := range m.assets {
		names = append(names, name)
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"docs_words", "other_content"}, names); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"docs", "vec"}, m.unread); diff != "" || m.notes["sqlite.shadow_tables"] != "6" {
		t.Errorf("%s%v", diff, m.notes)
	}
}

func TestWriteAheadLogInUse(t *testing.T) {
	path := file(t, "create table a (x)")
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, q := range []string{"pragma journal_mode = wal", "create table b (y)"} {
		if err := sqlitex.ExecuteTransient(conn, q, nil); err != nil {
			t.Fatal(err)
		}
	}
	if m := harvest(t, harvester.Config{Path: path}); m.assets["b"] == nil {
		t.Error("a table that is only in the log is not seen")
	}
}

func TestRefusals(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, tt := range map[string]struct{ path, text string }{
		"no path":        {"", "missing"},
		"absent":         {filepath.Join(folder, "none"), "does not exist"},
		"empty":          {write("empty", ""), "is empty"},
		"folder":         {folder, "is no file"},
		"short":          {write("short", "hello"), "no SQLite database"},
		"other contents": {write("other", strings.Repeat("hello ", 100)), "no SQLite database"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := harvester.Plugin().Open(t.Context(), harvester.Config{Path: tt.path}, sdk.Env{Files: sdk.NewFiles(folder)})
			e, ok := errors.AsType[*sdk.Error](err)
			if !ok || e.Class != sdk.ClassConfig || e.Field != "path" || !strings.Contains(e.Message, tt.text) || e.Fix == "" {
				t.Errorf("got %#v", err)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(folder, "none")); err == nil {
		t.Error("the harvester has made the file that was absent")
	}
}

// TestFilesThatAreClosed wants one answer for a database, another file and
// nothing at all, where the source may not look.
func TestFilesThatAreClosed(t *testing.T) {
	closed, open := file(t, "create table secret (x)"), t.TempDir()
	link := filepath.Join(open, "link.db")
	if err := os.Symlink(closed, link); err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	for _, path := range []string{closed, link, filepath.Join(filepath.Dir(closed), "none"), "/etc/passwd", "/etc", "/none/at/all"} {
		_, err := harvester.Plugin().Open(t.Context(), harvester.Config{Path: path}, sdk.Env{Files: sdk.NewFiles(open)})
		e, ok := errors.AsType[*sdk.Error](err)
		if !ok || e.Code != "files.outside" {
			t.Errorf("%s: got %v", path, err)
			continue
		}
		said[e.Error()+e.Fix] = true
	}
	if len(said) != 1 {
		t.Errorf("it says several things: %v", said)
	}
}

func TestAFileThatIsReplacedIsNotRead(t *testing.T) {
	closed, allowed := file(t, "create table secret (x)"), file(t, "create table a (x)")
	for name, replace := range map[string]func() error{
		"by a link":       func() error { return os.Symlink(closed, allowed) },
		"by another file": func() error { return os.Link(closed, allowed) },
	} {
		s, err := harvester.Plugin().Open(t.Context(), harvester.Config{Path: allowed}, sdk.Env{Files: sdk.NewFiles(filepath.Dir(allowed))})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.Rename(allowed, allowed+".old"), replace()); err != nil {
			t.Fatal(err)
		}
		m := &memory{assets: map[string]*sdk.Asset{}, notes: map[string]string{}}
		if err := s.Harvest(t.Context(), sdk.Request{}, m); err == nil || len(m.assets) > 0 {
			t.Errorf("%s: got %v, %v", name, m.assets, err)
		}
		if err := errors.Join(os.Remove(allowed), os.Rename(allowed+".old", allowed)); err != nil {
			t.Fatal(err)
		}
	}
}
