package mysql_test

import (
	"database/sql"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/sdk"
)

// TestMasksAreViews that go with the grant, and whose reader cannot turn them.
func TestMasksAreViews(t *testing.T) {
	c := newCounter(t)
	g := c.grant("grt_Masked-1", "id", "at")
	g.Masks = []sdk.Mask{{Field: "email", With: "partial"}, {Field: odd, With: "hash"}, {Field: "note", With: "hash"}}
	g.Filters = []sdk.RowFilter{{Field: "note", Op: "in", Value: `first, it's, \`}, {Field: odd, Op: "ge", Value: "7"}, {Field: "at", Op: "lt", Value: "2026-01-01T00:00:01"}}
	plan := c.Settle(sdk.GrantRequest{Grant: g})
	if plan.Reads.Name != c.list+".grt_Masked-1" || len(plan.Remarks) < 3 {
		t.Errorf("the plan does not say where to read, or what masks do: %+v", plan)
	}
	view := name(c.list) + ".`grt_Masked-1`"
	var id int
	var email, total, note sql.NullString
	if err := c.reader.QueryRowContext(t.Context(), "select id, email, "+name(odd)+", note from "+view).Scan(&id, &email, &total, &note); err != nil {
		t.Fatal(err)
	}
	if id != 1 || email.String != "****mple" || total.Valid || !strings.HasPrefix(note.String, "A7937B64") {
		t.Errorf("the view shows %d %v %v %v", id, email, total, note)
	}
	for _, setting := range []string{"", "sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'", "time_zone = '-12:00'", "time_zone = '+13:00'", "sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI'", "sql_mode = ''", "collation_connection = 'latin1_german2_ci'"} {
		if setting != "" && !c.may("set "+setting) {
			t.Fatal(setting)
		}
		var rows int
		if err := c.reader.QueryRowContext(t.Context(), "select count(*) from "+view).Scan(&rows); err != nil || rows != 1 {
			t.Errorf("with %s the filters leave %d rows: %v", setting, rows, err)
		}
	}
	if c.may("select id from " + c.crm + ".orders") {
		t.Error("the table itself can be read")
	}
	if c.Verify(g); len(c.Verify(g).Readable) > 0 || !c.Verify(g).Given {
		t.Errorf("%+v", c.Verify(g))
	}
	c.Settle(sdk.GrantRequest{Grant: g, Revoke: true})
	if c.may("select id from "+view) || c.left() != 0 || c.count("information_schema.views where table_schema = '"+c.list+"'") != 0 ||
		c.count("mysql.tables_priv where Db = '"+c.list+"' and Table_name = 'grt_Masked-1'") != 0 {
		t.Error("the view stays, or a right on it")
	}
}

func (c *counter) count(what string) (n int) {
	c.t.Helper()
	if err := c.admin.QueryRowContext(c.t.Context(), "select count(*) from "+what).Scan(&n); err != nil {
		c.t.Fatal(err)
	}
	return n
}

// TestNeBeforeBlanks: what a filter leaves out stays out, however the reader pads
// and compares.
func TestNeBeforeBlanks(t *testing.T) {
	c := newCounter(t)
	g := c.grant("g1", "id")
	g.Filters = []sdk.RowFilter{{Field: "note", Op: "ne", Value: "first "}}
	c.Settle(sdk.GrantRequest{Grant: g})
	if !c.may("set sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'") {
		t.Fatal("the mode cannot be set")
	}
	var ids string
	if err := c.reader.QueryRowContext(t.Context(), "select group_concat(id) from "+c.list+".g1").Scan(&ids); err != nil || ids != "2" {
		t.Errorf("the reader sees %s: %v", ids, err)
	}
	for _, f := range []sdk.RowFilter{{Field: odd, Op: "ne", Value: "abc"}, {Field: "id", Op: "eq", Value: "1 or 1"}, {Field: "at", Op: "gt", Value: "yesterday"}, {Field: "at", Op: "gt", Value: "2026-13-01"}} {
		g.Filters = []sdk.RowFilter{f}
		if _, err := c.Granter.PlanGrant(t.Context(), sdk.GrantRequest{Grant: g}); err == nil {
			t.Errorf("%+v is taken", f)
		}
	}
}

// TestNoConditionOfTheReaderSeesMore than the filter lets through: a function of
// the reader's own is called for no other row.
func TestNoConditionOfTheReaderSeesMore(t *testing.T) {
	c := newCounter(t)
	g := c.grant("g1", "id", "email")
	g.Filters = []sdk.RowFilter{{Field: "note", Op: "eq", Value: "first"}}
	c.Settle(sdk.GrantRequest{Grant: g})
	c.run("grant all privileges on "+name(strings.ReplaceAll(c.other, "_", `\_`))+".* to "+c.person, "create table "+c.other+".seen (v varchar(60)) engine = Aria")
	if !c.may("create function " + c.other + ".peek(v varchar(60)) returns int begin insert into " + c.other + ".seen values (v); return 1; end") {
		t.Fatal("the person has no function")
	}
	for _, condition := range []string{" where " + c.other + ".peek(email) = 1", " where " + c.other + ".peek(email) = 1 and id > 0 order by email", " a join " + c.list + ".g1 b on a.id >= b.id where " + c.other + ".peek(a.email) = 1 or a.id = 7"} {
		if !c.may("select * from " + c.list + ".g1" + condition) {
			t.Error("the view cannot be read")
		}
	}
	if c.count(c.other+".seen where v <> 'ana@acme.example'") != 0 || c.count(c.other+".seen") == 0 {
		t.Error("a condition has seen a row that the filter leaves out")
	}
}

// TestAViewThatWasChanged by another hand is drift, and made anew.
func TestAViewThatWasChanged(t *testing.T) {
	c := newCounter(t)
	g := c.grant("g1", "id")
	g.Masks = []sdk.Mask{{Field: "email", With: "null"}}
	c.Settle(sdk.GrantRequest{Grant: g})
	c.run("create or replace view " + c.list + ".g1 as select id, email from " + c.crm + ".orders")
	if c.Verify(g).Given {
		t.Error("a view that shows more is taken for the grant's")
	}
	c.Settle(sdk.GrantRequest{Grant: g})
	var email sql.NullString
	if err := c.reader.QueryRowContext(t.Context(), "select email from "+c.list+".g1 where id = 1").Scan(&email); err != nil || email.Valid {
		t.Errorf("%v %v", email, err)
	}
	g.Masks[0].With = "partial"
	c.Settle(sdk.GrantRequest{Grant: g})
	if err := c.reader.QueryRowContext(t.Context(), "select email from "+c.list+".g1 where id = 1").Scan(&email); err != nil || email.String != "****mple" {
		t.Errorf("%v %v", email, err)
	}
	c.run("create view " + c.list + ".mine as select 1 as id")
	mine := c.grant("mine", "id")
	mine.Masks = g.Masks
	if _, err := c.Granter.PlanGrant(t.Context(), sdk.GrantRequest{Grant: mine}); err == nil {
		t.Error("a view of another hand would be dropped")
	}
}

// TestVerifyFindsEveryWay by which a person reads.
func TestVerifyFindsEveryWay(t *testing.T) {
	c := newCounter(t)
	g, orders := c.grant("g1", "id"), c.crm+".orders"
	inner, outer, app := c.user+"_inner", c.user+"_outer", c.user+"_app"
	c.run("create role "+inner, "create role "+outer, "create user "+app, "create user "+name(c.personal)+"@`10.%`")
	c.server.After("drop role "+inner, "drop role "+outer, "drop user "+app, "drop user "+name(c.personal)+"@`10.%`")
	verify := func(want []string, ways ...sdk.Way) {
		t.Helper()
		found := c.Verify(g)
		if cmp.Diff(want, found.Readable) != "" || cmp.Diff(ways, found.Ways) != "" {
			t.Errorf("%s %s", cmp.Diff(want, found.Readable), cmp.Diff(ways, found.Ways))
		}
	}
	verify(nil)
	all := []string{"id", "email", odd, "note", "at"}
	c.run("grant select (email) on " + orders + " to public")
	public := sdk.Way{Kind: sdk.ByPublic, Fields: []string{"email"}}
	verify([]string{"email"}, public)
	c.run("grant select (note) on "+orders+" to "+inner, "grant "+inner+" to "+outer, "grant "+outer+" to "+c.person)
	inherited := sdk.Way{Kind: sdk.ByInherited, Through: name(inner), Fields: []string{"note"}}
	verify([]string{"email", "note"}, public, inherited)
	c.run("grant select (at) on " + orders + " to " + name(c.personal) + "@`10.%`")
	same := sdk.Way{Kind: sdk.ByOther, Through: name(c.personal) + "@`10.%`", Fields: []string{"at"}}
	verify([]string{"email", "note", "at"}, public, same, inherited)
	c.run("grant select (id) on "+orders+" to "+app, "grant proxy on "+app+" to "+c.person)
	proxy := sdk.Way{Kind: sdk.ByInherited, Through: "PROXY " + name(app) + "@`%`", Fields: []string{"id"}}
	verify([]string{"id", "email", "note", "at"}, public, same, proxy, inherited)
	c.run("grant select on " + name(strings.ReplaceAll(c.crm, "_", "%")) + ".* to " + outer)
	verify(all, public, same, sdk.Way{Kind: sdk.ByInherited, Through: name(outer)}, proxy, inherited)
	c.run("grant select on *.* to "+c.person, "grant super on *.* to "+outer)
	verify(all, sdk.Way{Kind: sdk.ByOther, Through: "SELECT ON *.*"}, public, same, sdk.Way{Kind: sdk.BySuperuser, Through: name(outer)}, sdk.Way{Kind: sdk.ByInherited, Through: name(outer)}, proxy, inherited)
	c.run("revoke select (email) on " + orders + " from public")
}

// TestEverybodyByTheNamelessAccount: the server gives everybody what ” has on a database.
func TestEverybodyByTheNamelessAccount(t *testing.T) {
	c := newCounter(t)
	before := c.may("select id from " + c.crm + ".orders")
	c.run("insert into mysql.db (Host, Db, User, Select_priv) values ('%', '"+c.crm+"', '', 'Y')", "flush privileges")
	c.server.After("delete from mysql.db where User = '' and Db = '"+c.crm+"'", "flush privileges")
	fresh := c.server.As(c.personal, "canary-person")
	_, err := fresh.ExecContext(t.Context(), "select id from "+c.crm+".orders")
	found := c.Verify(c.grant("g1", "id"))
	if before || err != nil || len(found.Readable) != 5 || cmp.Diff([]sdk.Way{{Kind: sdk.ByPublic, Through: "''@'%'"}}, found.Ways) != "" {
		t.Errorf("the person reads (%t, %v), and it is told %+v", before, err, found)
	}
}

// TestRightsOutliveTheirTable, and end with the grant all the same.
func TestRightsOutliveTheirTable(t *testing.T) {
	c := newCounter(t)
	r := sdk.GrantRequest{Grant: c.grant("g1", "id", "note")}
	c.Settle(r)
	c.run("alter table "+c.crm+".orders drop column note", "rename table "+c.crm+".orders to "+c.crm+".old")
	if c.Verify(r.Grant).Given {
		t.Error("a table that is gone is given")
	}
	r.Revoke = true
	c.Settle(r)
	c.run("rename table " + c.crm + ".old to " + c.crm + ".orders")
	if c.may("select id from "+c.crm+".orders") || c.left() != 0 {
		t.Error("the table that came back can be read")
	}
	r.Revoke, r.Grant.Fields = false, []string{"id"}
	c.Settle(r)
	masked := c.grant("g2")
	masked.Masks = []sdk.Mask{{Field: "email", With: "null"}}
	c.Settle(sdk.GrantRequest{Grant: masked, Others: []sdk.Grant{r.Grant}})
	c.run("drop user " + c.person)
	for _, g := range []sdk.Grant{r.Grant, masked} {
		c.Settle(sdk.GrantRequest{Grant: g, Revoke: true})
	}
	if c.left() != 0 {
		t.Error("what a user had who is gone stays in the list")
	}
	c.run("create user " + c.person)
}

// TestRolesReadToo and a name that stands for two accounts is refused.
func TestRolesReadToo(t *testing.T) {
	c := newCounter(t)
	role := c.user + "_analysts"
	c.run("create role "+role, "grant "+role+" to "+c.person, "set default role "+role+" for "+c.person)
	c.server.After("drop role " + role)
	g := c.grant("g1", "id")
	g.Role = role
	plan := c.Settle(sdk.GrantRequest{Grant: g})
	if want := "GRANT SELECT (`id`) ON " + name(c.crm) + ".`orders` TO " + name(role); plan.Statements[1] != want || !strings.Contains(strings.Join(plan.Remarks, " "), "is a role") {
		t.Errorf("%+v", plan)
	}
	fresh := c.server.As(c.personal, "canary-person")
	if _, err := fresh.ExecContext(t.Context(), "select id from "+c.crm+".orders"); err != nil {
		t.Error(err)
	}
	c.run("create user " + name(role) + "@`%`")
	c.server.After("drop user " + name(role) + "@`%`")
	if _, err := c.Granter.PlanGrant(t.Context(), sdk.GrantRequest{Grant: g, Revoke: true}); err == nil {
		t.Error("a name of two is taken for one of them")
	}
	g.Role = name(role) + "@%"
	c.Settle(sdk.GrantRequest{Grant: g})
}

// TestNamesThatOthersStumbleOver are quoted: words of SQL, dashes, dots, blanks,
// letters of all kinds and the longest ones.
func TestNamesThatOthersStumbleOver(t *testing.T) {
	c := newCounter(t)
	long := strings.Repeat("ü", 64)
	for i, table := range []string{"order-lines", "select", "a.b", "it's \"x\"", "數據", long, "%", "x` TO root; --x"} {
		full := name(c.crm) + "." + name(table)
		c.run("create table "+full+" (`key` int, `first` int, "+name(long)+" text, "+name("a, b) --")+" int)", "grant select on "+full+" to "+c.writer+" with grant option")
		g := c.grant("plain"+string(rune('a'+i)), "key", long)
		g.Asset.Name = sdk.JoinName(c.crm, table)
		c.Settle(sdk.GrantRequest{Grant: g})
		if !c.may("select `key`, "+name(long)+" from "+full) || c.may("select `first` from "+full) || c.may("select "+name("a, b) --")+" from "+full) {
			t.Errorf("%s: not exactly the columns", table)
		}
		masked := g
		masked.ID, masked.Masks, masked.Fields = "view"+string(rune('a'+i)), []sdk.Mask{{Field: long, With: "hash"}}, []string{"first", "a, b) --"}
		masked.Filters = []sdk.RowFilter{{Field: long, Op: "ne", Value: `\' or 1=1; -- 😀`}}
		plan := c.Settle(sdk.GrantRequest{Grant: masked, Others: []sdk.Grant{g}})
		if view := name(c.list) + "." + name(masked.ID); !c.may("select `first`, "+name(long)+" from "+view) || plan.Reads.Name != c.list+"."+masked.ID {
			t.Errorf("%s: the view cannot be read", table)
		}
		for _, one := range []sdk.Grant{g, masked} {
			c.Settle(sdk.GrantRequest{Grant: one, Revoke: true})
		}
		if c.may("select `key` from " + full) {
			t.Errorf("%s: it is not taken away", table)
		}
	}
	if c.left() != 0 {
		t.Error("the list has what is gone")
	}
}

// TestOnlyTheTableIsGiven, and none whose name its own would match as a pattern.
func TestOnlyTheTableIsGiven(t *testing.T) {
	c := newCounter(t)
	twin := strings.Replace(c.crm, "_", "x", 1) // which an underscore stands for
	c.run("create database "+twin, "create table "+twin+".orders (id int)")
	c.server.After("drop database " + twin)
	c.Settle(sdk.GrantRequest{Grant: c.grant("g1")})
	if c.may("select id from " + twin + ".orders") {
		t.Error("another database can be read")
	}
	c.run("grant select on " + name(c.crm) + ".* to " + c.person) // an underscore that was not escaped
	other := c.grant("g2")
	other.Asset.Name = twin + ".orders"
	if found := c.Verify(other); len(found.Readable) != 1 || found.Readable[0] != "*" || !c.may("select id from "+twin+".orders") {
		t.Errorf("that a pattern matches another database is not told: %+v", found)
	}
	c.run("revoke select on "+name(c.crm)+".* from "+c.person, "revoke select on "+c.crm+".orders from "+c.writer, "grant select (id) on "+c.crm+".orders to "+c.writer,
		"grant select (email) on "+c.crm+".orders to "+c.person)
	if found := c.Verify(c.grant("g3", "id")); !slices.Contains(found.Readable, "email") {
		t.Errorf("a column that the user who gives rights does not see is not told: %+v", found)
	}
}
