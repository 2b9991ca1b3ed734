package mysql_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/sdk"
)

// TestRightsDecideWhatIsComplete: the server hides what a user has no right on
// without a word, and a right that is lost is no deletion.
func TestRightsDecideWhatIsComplete(t *testing.T) {
	s := newShop(t)
	s.run(fmt.Sprintf("revoke select, show view on `%s`.* from %s", strings.ReplaceAll(s.crm, "_", `\_`), s.user))
	m := s.harvest()
	if a := m.assets[s.crm+".customers"]; a == nil || len(a.Fields) != 9 || len(a.Indexes) != 4 || len(a.Constraints) != 3 {
		t.Errorf("REFERENCES does not show a whole table: %+v", a)
	}
	if a := m.assets[s.crm+".totals"]; a == nil || a.Definition != "" || len(m.noted("mysql.no_view_sql")) != 5 || len(m.done) != 2 {
		t.Errorf("a view without its SQL: %+v, notes %v, done %v", a, m.notes, m.done)
	}
	s.config.Views = "leave"
	if m := s.harvest(); len(m.notes) != 0 || len(m.done) != 2 || len(m.edges) != 0 {
		t.Errorf("views left: notes %v, done %v, edges %v", m.notes, m.done, m.edges)
	}
	s.run(fmt.Sprintf("revoke references on `%s`.* from %s", strings.ReplaceAll(s.crm, "_", `\_`), s.user),
		fmt.Sprintf("grant references on %s.orders to %s", s.crm, s.user))
	m = s.harvest()
	if !slices.Equal(m.done, []string{"database:" + s.other}) || m.assets[s.crm+".customers"] != nil || m.assets[s.crm+".orders"] == nil {
		t.Errorf("one table granted: done %v", m.done)
	}
	want := fmt.Sprintf("GRANT REFERENCES ON `%s`.* TO `%s`;", strings.ReplaceAll(s.crm, "_", `\_`), s.user)
	if !slices.Equal(m.noted("mysql.no_right"), []string{want}) {
		t.Errorf("notes %v", m.notes)
	}
	s.run(want) // the statement of the note mends it
	if m := s.harvest(); len(m.done) != 2 {
		t.Errorf("after the grant: done %v, notes %v", m.done, m.notes)
	}
}

func TestCheckNamesWhatIsMissing(t *testing.T) {
	s := newShop(t)
	s.config.Include = append(s.config.Include, "souk_test_absent")
	s.run(fmt.Sprintf("revoke select on `%s`.* from %s", strings.ReplaceAll(s.crm, "_", `\_`), s.user))
	r := &sdk.Report{}
	if err := open(t, s.config).Check(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	var failed []string
	for _, c := range r.Capabilities {
		if !c.OK {
			failed = append(failed, c.Name)
		}
	}
	if !slices.Equal(failed, []string{"list_tables", "read_views"}) {
		t.Errorf("%+v", r.Capabilities)
	}
	if m := s.harvest(); len(m.noted("mysql.no_database")) != 1 || len(m.done) != 2 {
		t.Errorf("notes %v, done %v", m.notes, m.done)
	}
}

// TestTheWholeServer is one scope where the user sees every database, and a role counts.
func TestTheWholeServer(t *testing.T) {
	s := newServer(t)
	s.config.Include = nil
	s.run("create table " + s.crm + ".t (id int)")
	s.mayRead(s.crm)
	if m := s.harvest(); !slices.Equal(m.done, []string{"database:" + s.crm}) {
		t.Errorf("some databases: done %v", m.done)
	}
	role := s.user + "_all"
	s.run("create role "+role, "grant show databases, references, select, show view on *.* to "+role, "grant "+role+" to "+s.user, "set default role "+role+" for "+s.user)
	t.Cleanup(func() { _, _ = s.admin.ExecContext(context.Background(), "drop role "+role) })
	m := s.harvest()
	if !slices.Equal(m.done, []string{"server"}) || m.assets[s.crm+".t"].Scope != "server" || m.assets[s.other] == nil {
		t.Errorf("all databases: done %v, notes %v", m.done, m.notes)
	}
	for name := range m.assets {
		if strings.HasPrefix(name, "mysql.") || strings.HasPrefix(name, "information_schema.") {
			t.Errorf("a table of the server itself: %s", name)
		}
	}
	s.config.Exclude = []string{s.other}
	if m := s.harvest(); m.assets[s.other] != nil || slices.Contains(m.done, "server") || !slices.Contains(m.done, "database:"+s.crm) {
		t.Errorf("one left out: done %v", m.done)
	}
}

// TestWhatTheServerCannotDescribe is named, and the rest goes on.
func TestWhatTheServerCannotDescribe(t *testing.T) {
	s := newServer(t)
	s.mayRead(s.crm)
	s.config.Include = []string{s.crm}
	s.run("create table "+s.crm+".t (id int)", "create view "+s.crm+".v as select id from "+s.crm+".t", "create view "+s.crm+".w as select id from "+s.crm+".v",
		"create table "+s.crm+".other (id int)", "drop table "+s.crm+".t")
	m := s.harvest()
	if got := m.noted("mysql.broken_view"); !slices.Equal(got, []string{s.crm + ".v", s.crm + ".w"}) || len(m.done) != 1 || m.assets[s.crm+".other"] == nil {
		t.Errorf("broken %v, done %v", got, m.done)
	}
	for _, n := range m.notes {
		if n.Asset.Name != n.Sample {
			t.Errorf("the note is not about one asset: %+v", n)
		}
	}
}

// TestOddNames: quotes, dots, slashes, line breaks, capitals alone, the longest name and the widest table.
//
// Bad input: names, 5,000 columns.
func TestOddNames(t *testing.T) {
	s := newServer(t)
	s.mayRead(s.crm)
	s.config.Include = []string{s.crm}
	long := strings.Repeat("x", 64)
	names := []string{"Orders", "orders", "a.b", `"quoted"`, "it's", "sla/sh\\back", "per%cent?", "new\nline", "數據", long, "`", "drop table x; --"}
	for _, name := range names {
		s.run("create table " + s.crm + ".`" + strings.ReplaceAll(name, "`", "``") + "` (`" + strings.ReplaceAll(name, "`", "``") + "` int primary key)")
	}
	var columns []string
	for i := range 2500 {
		columns = append(columns, fmt.Sprintf("c%d tinyint", i))
	}
	s.run("create table " + s.crm + ".wide (" + strings.Join(columns, ", ") + ") engine Aria")
	m := s.harvest()
	for _, name := range names {
		a := m.assets[sdk.JoinName(s.crm, name)]
		if a == nil || a.ShortName != name || a.Fields[0].Name != name || a.Fields[0].PrimaryKey != 1 || a.Indexes[0].Fields[0] != name {
			t.Errorf("%q: %+v", name, a)
		}
	}
	if got := len(m.assets[s.crm+".wide"].Fields); got != 2500 {
		t.Errorf("the widest table has %d columns", got)
	}
	if _, err := s.admin.ExecContext(t.Context(), "create table "+s.crm+".`🙂` (id int)"); err == nil {
		t.Error("the server takes emoji in names, and the page says that it does not")
	}
}

// TestTransport to a server with a certificate of its own making.
func TestTransport(t *testing.T) {
	s := newShop(t)
	for _, c := range []struct {
		name, transport, authorities, host string
		field                              string
	}{
		{"its authority", "", s.config.Authorities, "127.0.0.1", ""},
		{"the machine's authorities", "", "", "127.0.0.1", "transport"},
		{"another name", "verified", s.config.Authorities, "localhost", "transport"},
		{"anybody", "encrypted", "", "127.0.0.1", ""},
		{"in the clear", "clear", "", "127.0.0.1", ""},
		{"no certificate", "", "none", "127.0.0.1", "authorities"},
	} {
		config := s.config
		config.Transport, config.Authorities = c.transport, c.authorities
		config.URL = strings.Replace(config.URL, "127.0.0.1", c.host, 1)
		source, err := openAny(t, config)
		if err == nil {
			err = source.Harvest(t.Context(), sdk.Request{}, newMemory())
		}
		e, _ := errors.AsType[*sdk.Error](err)
		switch {
		case c.field == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.field != "" && (e == nil || e.Class != sdk.ClassConfig || e.Field != c.field):
			t.Errorf("%s: %v", c.name, err)
		}
	}
	s.run("alter user " + s.user + " require ssl")
	config := s.config
	config.Transport = "clear"
	if _, err := harvest(t, config); err == nil {
		t.Error("a user who must not come in the clear does")
	}
}

// TestPasswords that are wrong, expired or of a locked account.
func TestPasswords(t *testing.T) {
	s := newShop(t)
	wants := func(what string, class sdk.Class) {
		t.Helper()
		_, err := harvest(t, s.config)
		if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Class != class || strings.Contains(err.Error()+e.Fix, "canary") {
			t.Errorf("%s: %v", what, err)
		}
	}
	s.run("alter user " + s.user + " password expire")
	wants("expired", sdk.ClassAuth)
	s.run("alter user "+s.user+" identified by 'canary-secret'", "alter user "+s.user+" account lock")
	wants("locked", sdk.ClassAuth)
	s.run("alter user " + s.user + " account unlock")
	s.config.Password = "canary-wrong"
	wants("wrong", sdk.ClassAuth)
}
