package mysql_test

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	driver "github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/plugins/internal/sqlgrant/sqlgranttest"
	"github.com/souk-mesh/souk/plugins/mysql"
	"github.com/souk-mesh/souk/sdk"
)

// counter is a shop with a user that gives rights, and one of a person.
type counter struct {
	*shop
	sqlgranttest.Counter

	writer   string
	person   string // as a statement names it
	list     string // the database of Souk
	reader   *sql.DB
	personal string
}

func name(text string) string { return "`" + strings.ReplaceAll(text, "`", "``") + "`" }

const odd = "a`b.c"

func newCounter(t *testing.T) *counter {
	t.Helper()
	c := &counter{shop: newServer(t)}
	c.writer, c.list, c.personal = c.user+"_writer", c.user+"_grants", c.user+"_Ana's @ home"
	c.person = name(c.personal) + "@`%`"
	c.run("create table "+c.crm+".orders (id int, email varchar(60), "+name(odd)+" decimal(9,2), note char(20) character set latin1, at timestamp)",
		"insert into "+c.crm+".orders values (1, 'ana@acme.example', 7.5, 'first', '2026-01-01 00:00:00'), (2, 'bo@acme.example', 8.5, 'FIRST', '2026-01-02 00:00:00')",
		"create table "+c.crm+".other (id int)", "create user "+c.person+" identified by 'canary-person'")
	c.givesRights(c.crm + ".orders")
	c.run("grant select on " + c.crm + ".other to " + c.writer + " with grant option")
	c.server.After("drop user " + c.person)
	c.Counter = sqlgranttest.Counter{T: t, Granter: open(t, c.config).(sdk.Granter)}
	c.reader = c.server.As(c.personal, "canary-person")
	return c
}

// givesRights makes the user that gives rights on a table, by the script of the page.
func (s *shop) givesRights(table string) {
	s.t.Helper()
	s.config.Grants = mysql.Grants{User: s.user + "_writer", Password: "canary-writer", Database: s.user + "_grants"}
	s.server.Granter(s.config.Grants.User, s.config.Grants.Password, s.config.Grants.Database, table)
}

func (c *counter) grant(id string, fields ...string) sdk.Grant {
	return sdk.Grant{
		ID: id, Asset: sdk.NativeID{Namespace: "mysql://shop:3306", Name: c.crm + ".orders"}, Role: "'" + strings.ReplaceAll(c.personal, "'", "''") + "'@'%'", Fields: fields,
	}
}

// may tells whether the person can run the query.
func (c *counter) may(query string) bool {
	c.t.Helper()
	_, err := c.reader.ExecContext(c.t.Context(), query)
	if told, ok := errors.AsType[*driver.MySQLError](err); ok && (told.Number == 1142 || told.Number == 1143) {
		return false
	}
	if err != nil {
		c.t.Fatalf("%s: %v", query, err)
	}
	return true
}

// left is the number of rows in the list of what was given.
func (c *counter) left() (n int) {
	c.t.Helper()
	if err := c.admin.QueryRowContext(c.t.Context(), "select count(*) from "+c.list+".given").Scan(&n); err != nil {
		c.t.Fatal(err)
	}
	return n
}

// TestAPersonReadsExactlyTheColumns of a grant, and nothing after it.
func TestAPersonReadsExactlyTheColumns(t *testing.T) {
	c := newCounter(t)
	r := sdk.GrantRequest{Grant: c.grant("g1", odd, "id")}
	plan := c.Settle(r)
	want := "GRANT SELECT (`id`, `a``b.c`) ON " + name(c.crm) + ".`orders` TO " + c.person
	if len(plan.Statements) != 2 || !strings.HasPrefix(plan.Statements[0], "INSERT INTO "+name(c.list)+".`given`") || plan.Statements[1] != want {
		t.Errorf("planned %q, want %q", plan.Statements, want)
	}
	orders := c.crm + ".orders"
	for query, want := range map[string]bool{
		"select id, " + name(odd) + " from " + orders: true, "select email from " + orders: false, "select * from " + orders: false,
		"select 1 from " + orders + " where note = 'x'": false, "select id from " + c.crm + ".other": false, "delete from " + orders: false,
	} {
		if c.may(query) != want {
			t.Errorf("%s: got %t", query, !want)
		}
	}
	ways := sdk.Effective{Given: true, Readable: []string{"id", odd}, Ways: []sdk.Way{{Kind: sdk.ByGrant, Fields: []string{odd, "id"}, Ours: true}}}
	if diff := cmp.Diff(ways, sorted(c.Verify(r.Grant))); diff != "" {
		t.Error(diff)
	}
	r.Revoke = true
	c.Settle(r)
	if c.may("select id from "+orders) || c.left() != 0 {
		t.Error("after it is revoked the person still reads, or the list has it")
	}
	if found := c.Verify(r.Grant); found.Given || len(found.Readable)+len(found.Ways) > 0 {
		t.Errorf("after it is revoked: %+v", found)
	}
}

func sorted(found sdk.Effective) sdk.Effective {
	for _, way := range found.Ways {
		slices.Sort(way.Fields)
	}
	return found
}

// TestTwoGrantsOfOneTable leave each other alone.
func TestTwoGrantsOfOneTable(t *testing.T) {
	c := newCounter(t)
	c.run("grant select (at) on " + c.crm + ".orders to " + c.person)
	may := func(columns string) bool { return c.may("select " + columns + " from " + c.crm + ".orders") }
	c.Settle(c.Share(c.grant, may))
	if may("note") || !may("at") || c.left() != 0 {
		t.Error("after the last grant something can be read, or what somebody else gave cannot")
	}
}

// TestAPlanIsRefusedOnAnotherGround and on none that is done already.
func TestAPlanIsRefusedOnAnotherGround(t *testing.T) {
	c := newCounter(t)
	c.Overtaken(sdk.GrantRequest{Grant: c.grant("g1", "id")}, func() { c.run("grant select (note) on " + c.crm + ".orders to " + c.person) })
	if !c.may("select note from "+c.crm+".orders") || c.may("select id from "+c.crm+".orders") {
		t.Error("Souk took away what it had not given, or left what it had")
	}
}

// TestWhatAnotherHandHasGiven stays, unless it is taken over.
func TestWhatAnotherHandHasGiven(t *testing.T) {
	c := newCounter(t)
	orders := c.crm + ".orders"
	c.run("grant select (id) on " + orders + " to " + c.person)
	r := sdk.GrantRequest{Grant: c.grant("g1", "id")}
	if plan := c.Settle(r); len(plan.Statements) > 0 || !strings.Contains(strings.Join(plan.Remarks, " "), "Somebody else has given the account this already (the last who changed its rights on the table is root@") {
		t.Errorf("%+v", plan)
	}
	r.Revoke = true
	if c.Settle(r); !c.may("select id from " + orders) {
		t.Error("Souk took away what it had not given")
	}
	r.Revoke, r.Grant.TakeOver = false, true
	if plan := c.Settle(r); len(plan.Statements) != 1 || !strings.HasPrefix(plan.Statements[0], "INSERT") {
		t.Errorf("to take over: %v", plan.Statements)
	}
	r.Revoke = true
	if c.Settle(r); c.may("select id from " + orders) {
		t.Error("what was taken over stays")
	}
}

// TestListTellsWhatIsThere of Souk, and of the roles that are asked for.
func TestListTellsWhatIsThere(t *testing.T) {
	c := newCounter(t)
	g, masked := c.grant("g1", "id", "note"), c.grant("g2", "id")
	masked.Masks = []sdk.Mask{{Field: "email", With: "null"}}
	c.Settle(sdk.GrantRequest{Grant: g})
	c.Settle(sdk.GrantRequest{Grant: masked, Others: []sdk.Grant{g}})
	c.run("grant select on "+c.crm+".other to "+c.person, "grant select on "+name(strings.ReplaceAll(c.other, "_", `\_`))+".* to "+c.person)
	var held []sdk.HeldGrant
	if err := c.Granter.ListGrants(t.Context(), []string{g.Role, "PUBLIC", "nobody at all"}, func(h sdk.HeldGrant) error {
		slices.Sort(h.Fields)
		held = append(held, h)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	at := func(name string) sdk.NativeID { return sdk.NativeID{Namespace: "mysql://shop:3306", Name: name} }
	root, _, _ := strings.Cut(c.rootName(), "@")
	for i := range held {
		if !held[i].Ours {
			held[i].By, _, _ = strings.Cut(held[i].By, "@")
		}
	}
	want := []sdk.HeldGrant{
		{Asset: at(strings.ReplaceAll(c.other, "_", `\_`)), Role: g.Role},
		{Asset: at(c.crm + ".orders"), Role: g.Role, Fields: []string{"id", "note"}, By: name(c.writer) + "@`%`", Ours: true},
		{Asset: at(c.crm + ".orders"), Role: g.Role, Fields: []string{"email", "id"}, By: name(c.writer) + "@`%`", Ours: true, GrantID: "g2"},
		{Asset: at(c.crm + ".other"), Role: g.Role, By: root},
	}
	slices.SortFunc(held, func(a, b sdk.HeldGrant) int { return strings.Compare(a.Asset.Name+a.GrantID, b.Asset.Name+b.GrantID) })
	if diff := cmp.Diff(want, held); diff != "" {
		t.Error(diff)
	}
}

func (c *counter) rootName() (who string) {
	c.t.Helper()
	if err := c.admin.QueryRowContext(c.t.Context(), "select current_user()").Scan(&who); err != nil {
		c.t.Fatal(err)
	}
	return who
}

// TestRightsAreNotGivenWithoutThem nor to the wrong account, nor where it is off.
func TestRightsAreNotGivenWithoutThem(t *testing.T) {
	c := newCounter(t)
	for _, role := range []string{"nobody at all", "PUBLIC", "public@%", "''@'%'", "'open", c.writer, "'" + c.personal + "'@'%'", "😀", c.user + "@%@"} {
		g := c.grant("g", "id")
		g.Role = role
		c.Refused(g, sdk.ClassConfig, "grant.role")
	}
	for _, asset := range []string{c.crm + ".absent", "orders", "mysql.user", c.list + ".given", c.crm + ".😀", "a.b.c"} {
		g := c.grant("g", "id")
		g.Asset.Name = asset
		c.Refused(g, sdk.ClassConfig, "grant.asset")
	}
	c.Refused(c.grant("g", "absent"), sdk.ClassConfig, "grant.fields")
	c.run("revoke grant option on " + c.crm + ".orders from " + c.writer)
	c.Refused(c.grant("g", "id"), sdk.ClassDenied, "")
	c.run("revoke select on "+c.crm+".orders from "+c.writer, "grant select (id) on "+c.crm+".orders to "+c.writer+" with grant option")
	c.Refused(c.grant("g"), sdk.ClassDenied, "")
	c.Settle(sdk.GrantRequest{Grant: c.grant("g", "id")})
	c.Refused(c.grant("g", "email"), sdk.ClassConfig, "grant.fields")
	c.run("revoke all privileges, grant option from " + c.writer)
	c.Refused(c.grant("g", "id"), sdk.ClassDenied, "")
	c.config.Grants.Password = "canary-wrong"
	c.Granter = open(t, c.config).(sdk.Granter)
	c.Refused(c.grant("g", "id"), sdk.ClassAuth, "")
	c.config.Grants = mysql.Grants{}
	c.Granter = open(t, c.config).(sdk.Granter)
	c.Refused(c.grant("g", "id"), sdk.ClassConfig, "grants.user")
}

// TestManyAtOnce give rights on one table, one after the other.
func TestManyAtOnce(t *testing.T) {
	c := newCounter(t)
	var all []sdk.Grant
	for i := range 6 {
		role := fmt.Sprintf("%s_p-%d.x", c.user, i)
		c.run("create user " + name(role))
		c.server.After("drop user " + name(role))
		g := c.grant(fmt.Sprintf("g%d", i), "id", "note")
		g.Role = role
		all = append(all, g)
	}
	c.AtOnce(all)
	if c.left() != 0 {
		t.Error("the list has what is gone")
	}
}

// TestTheListIsNotHarvested: the database of what was given is Souk's own.
func TestTheListIsNotHarvested(t *testing.T) {
	c := newCounter(t)
	c.run("grant select, show view on " + name(strings.ReplaceAll(c.list, "_", `\_`)) + ".* to " + c.user)
	c.mayRead(c.crm)
	c.config.Include = []string{c.crm, c.list}
	if m := c.harvest(); m.assets[c.crm+".orders"] == nil || m.assets[c.list] != nil || m.assets[c.list+".given"] != nil || len(m.notes) > 0 {
		t.Errorf("%v %v", m.assets, m.notes)
	}
}

// TestCheckSaysWhatGivingRightsLacks.
func TestCheckSaysWhatGivingRightsLacks(t *testing.T) {
	c := newCounter(t)
	failed := func() string {
		var r sdk.Report
		if err := open(t, c.config).Check(t.Context(), &r); err != nil {
			t.Fatal(err)
		}
		for _, one := range r.Capabilities {
			if one.Name == "grants" && !one.OK {
				return one.Reason + " " + one.Fix
			}
		}
		return ""
	}
	if why := failed(); why != "" {
		t.Error(why)
	}
	c.run("revoke select on mysql.proxies_priv from " + c.writer)
	if why := failed(); !strings.Contains(why, "lacks a right") || !strings.Contains(why, "script") {
		t.Error(why)
	}
	c.run("grant select on mysql.proxies_priv to "+c.writer, "drop table "+c.list+".given")
	if why := failed(); !strings.Contains(why, "list of what was given") || !strings.Contains(why, "script") {
		t.Error(why)
	}
}

// TestWhatFailsMidwayIsUndone, since the server has no transaction for rights.
func TestWhatFailsMidwayIsUndone(t *testing.T) {
	c := newCounter(t)
	list := name(strings.ReplaceAll(c.list, "_", `\_`)) + ".*"
	g := c.grant("g1", "id")
	g.Masks = []sdk.Mask{{Field: "email", With: "hash"}}
	r := sdk.GrantRequest{Grant: g}
	plan := c.Plan(r)
	for _, right := range []string{"create view", "grant option"} {
		c.run("revoke " + right + " on " + list + " from " + c.writer)
		_, err := c.Granter.ApplyGrant(t.Context(), r, plan)
		if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Class != sdk.ClassDenied {
			t.Errorf("without %s: %v", right, err)
		}
		if c.left() != 0 || c.count("information_schema.views where table_schema = '"+c.list+"'") != 0 {
			t.Errorf("without %s: something is left of it", right)
		}
		c.run("grant create view on " + list + " to " + c.writer + " with grant option")
	}
	c.Settle(r)
}
