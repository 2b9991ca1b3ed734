package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/souk-mesh/souk/plugins/internal/sqlgrant/sqlgranttest"
	"github.com/souk-mesh/souk/sdk"
)

// counter is a shop with a role that gives rights, and one of a person.
type counter struct {
	*shop
	sqlgranttest.Counter

	writer string
	person string
	reader *pgx.Conn // as the person
}

const personPassword = "canary-person"

func newCounter(t *testing.T) *counter {
	t.Helper()
	c := &counter{shop: newDatabase(t, "")}
	c.writer, c.person = c.database+"_writer", c.database+"_Ana's role"
	person, writer := pgx.Identifier{c.person}.Sanitize(), c.writer
	run(t, c.admin, `create schema app; create table app.orders (id int, email text, "total ""x""" numeric, note varchar(20));
		insert into app.orders values (1, 'ana@acme.example', 7.5, 'first'), (2, 'bo@acme.example', 8.5, 'second');
		create table app.other (id int)`,
		"create role "+writer+" login password 'canary-writer'", "create role "+person+" login password '"+personPassword+"'",
		"grant connect on database "+c.database+" to "+writer+", "+person,
		"grant usage on schema app to "+writer+" with grant option", "grant select on app.orders, app.other to "+writer+" with grant option",
		"create schema souk_grants authorization "+writer, "grant usage on schema app to "+c.role)
	c.after("drop schema app cascade", "drop owned by "+person+" cascade", "drop owned by "+writer+" cascade", "drop role "+writer, "drop role "+person)
	c.config.Grants.Role, c.config.Grants.Password = writer, "canary-writer"
	c.Counter = sqlgranttest.Counter{T: t, Granter: open(t, c.config).(sdk.Granter)}
	u, err := url.Parse(c.config.URL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(c.person, personPassword)
	c.reader = dial(t, u.String())
	t.Cleanup(func() { closeNow(t, c.reader) })
	return c
}

func closeNow(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	if err := conn.Close(context.Background()); err != nil {
		t.Log(err)
	}
}

func (c *counter) grant(id string, fields ...string) sdk.Grant {
	return sdk.Grant{ID: id, Asset: sdk.NativeID{Namespace: "postgres://shop:5432", Name: c.database + ".app.orders"}, Role: c.person, Fields: fields}
}

// may tells whether the person can run the query.
func (c *counter) may(query string) bool {
	c.t.Helper()
	_, err := c.reader.Exec(c.t.Context(), query)
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "42501" {
		return false
	}
	if err != nil {
		c.t.Fatalf("%s: %v", query, err)
	}
	return true
}

// TestAPersonReadsExactlyTheColumns of a grant, and nothing after it.
func TestAPersonReadsExactlyTheColumns(t *testing.T) {
	c := newCounter(t)
	r := sdk.GrantRequest{Grant: c.grant("g1", "id", `total "x"`)}
	plan := c.Settle(r)
	if want := []string{
		`GRANT USAGE ON SCHEMA "app" TO ` + pgx.Identifier{c.person}.Sanitize(),
		`GRANT SELECT ("id", "total ""x""") ON "app"."orders" TO ` + pgx.Identifier{c.person}.Sanitize(),
	}; !slices.Equal(plan.Statements, want) {
		t.Errorf("planned %q, want %q", plan.Statements, want)
	}
	for query, want := range map[string]bool{
		`select id, "total ""x""" from app.orders`: true, `select email from app.orders`: false, `select * from app.orders`: false,
		`select note from app.orders`: false, `select id from app.other`: false, `delete from app.orders`: false,
	} {
		if c.may(query) != want {
			t.Errorf("%s: got %t", query, !want)
		}
	}
	found, err := c.Granter.VerifyGrant(t.Context(), r.Grant)
	if want := (sdk.Effective{Given: true, Readable: []string{"id", `total "x"`}, Ways: []sdk.Way{{Kind: sdk.ByGrant, Fields: []string{"id", `total "x"`}, Ours: true}}}); err != nil || cmp.Diff(want, found) != "" {
		t.Errorf("verify: %v %s", err, cmp.Diff(want, found))
	}
	r.Revoke = true
	c.Settle(r)
	if c.may(`select id from app.orders`) {
		t.Error("after it is revoked the person still reads")
	}
	var acl *string
	if err := c.admin.QueryRow(t.Context(), "select string_agg(nspacl::text, '') from pg_namespace where nspname = 'app'").Scan(&acl); err != nil || strings.Contains(*acl, "Ana") {
		t.Errorf("after it is revoked the schema is still open: %v %v", *acl, err)
	}
	found, err = c.Granter.VerifyGrant(t.Context(), r.Grant)
	if err != nil || found.Given || len(found.Readable)+len(found.Ways) > 0 {
		t.Errorf("after it is revoked: %+v, %v", found, err)
	}
}

// TestTwoGrantsOfOneTable leave each other alone.
func TestTwoGrantsOfOneTable(t *testing.T) {
	c := newCounter(t)
	may := func(columns string) bool { return c.may("select " + columns + " from app.orders") }
	c.Settle(c.Share(c.grant, may))
	if may("note") {
		t.Error("after the last grant something can be read")
	}
}

// TestMasksAreViews that go with the grant.
func TestMasksAreViews(t *testing.T) {
	c := newCounter(t)
	g := c.grant("grt_Masked-1", "id", "note")
	g.Masks = []sdk.Mask{{Field: "email", With: "partial"}, {Field: `total "x"`, With: "hash"}}
	g.Filters = []sdk.RowFilter{{Field: "note", Op: "in", Value: "first, it's"}, {Field: "id", Op: "ge", Value: "1"}}
	plan := c.Settle(sdk.GrantRequest{Grant: g})
	if plan.Reads.Name != c.database+".souk_grants.grt_Masked-1" || len(plan.Remarks) < 3 {
		t.Errorf("the plan does not say where to read, or what masks do: %+v", plan)
	}
	var id int
	var email, total, note *string
	if err := c.reader.QueryRow(t.Context(), `select id, email, "total ""x"""::text, note from souk_grants."grt_Masked-1"`).Scan(&id, &email, &total, &note); err != nil {
		t.Fatal(err)
	}
	if id != 1 || email == nil || *email != "****mple" || total != nil || *note != "first" {
		t.Errorf("the view shows %d %v %v %v", id, *email, total, *note)
	}
	if c.may("select id from app.orders") {
		t.Error("the table itself can be read")
	}
	var rows int
	if err := c.reader.QueryRow(t.Context(), `select count(*) from souk_grants."grt_Masked-1"`).Scan(&rows); err != nil || rows != 1 {
		t.Errorf("the filters leave %d rows: %v", rows, err)
	}
	c.Settle(sdk.GrantRequest{Grant: g, Revoke: true})
	var left int
	if err := c.admin.QueryRow(t.Context(), "select count(*) from pg_class where relnamespace = 'souk_grants'::regnamespace").Scan(&left); err != nil || left != 0 {
		t.Errorf("the view stays: %d, %v", left, err)
	}
}

// TestAPlanIsRefusedOnAnotherGround and on none that is done already.
func TestAPlanIsRefusedOnAnotherGround(t *testing.T) {
	c := newCounter(t)
	c.Overtaken(sdk.GrantRequest{Grant: c.grant("g1", "id")}, func() {
		run(t, c.admin, "grant usage on schema app to public", "grant select (note) on app.orders to "+pgx.Identifier{c.person}.Sanitize())
	})
	if !c.may("select note from app.orders") || c.may("select id from app.orders") {
		t.Error("Souk took away what it had not given, or left what it had")
	}
}

// TestVerifyFindsEveryWay by which a person reads.
func TestVerifyFindsEveryWay(t *testing.T) {
	c := newCounter(t)
	person := pgx.Identifier{c.person}.Sanitize()
	group, owner := c.database+"_group", c.database+"_owner"
	run(t, c.admin, "create role "+group, "create role "+owner, "grant select (email) on app.orders to public", "grant usage on schema app to public", "grant select (note) on app.orders to "+group, "grant "+group+" to "+person)
	c.after("drop owned by "+group+", "+owner+" cascade", "drop role "+group, "drop role "+owner)
	g := c.grant("g1", "id")
	verify := func(want []string, ways ...sdk.Way) {
		t.Helper()
		found, err := c.Granter.VerifyGrant(t.Context(), g)
		if err != nil || cmp.Diff(want, found.Readable) != "" || cmp.Diff(ways, found.Ways) != "" {
			t.Errorf("%v %s %s", err, cmp.Diff(want, found.Readable), cmp.Diff(ways, found.Ways))
		}
	}
	public, inherited := sdk.Way{Kind: sdk.ByPublic, Fields: []string{"email"}}, sdk.Way{Kind: sdk.ByInherited, Through: group, Fields: []string{"note"}}
	verify([]string{"email", "note"}, public, inherited)
	run(t, c.admin, "alter role "+person+" noinherit")
	verify([]string{"email", "note"}, public, inherited) // by SET ROLE
	run(t, c.admin, "grant pg_read_all_data to "+person)
	all := []string{"id", "email", `total "x"`, "note"}
	verify(all, public, inherited, sdk.Way{Kind: sdk.ByOther, Through: "pg_read_all_data"})
	run(t, c.admin, "revoke pg_read_all_data from "+person, "grant "+owner+" to "+person, "alter table app.orders owner to "+owner)
	verify(all, public, inherited, sdk.Way{Kind: sdk.ByOwner, Through: owner})
	run(t, c.admin, "alter role "+person+" superuser")
	verify(all, sdk.Way{Kind: sdk.BySuperuser})
}

// TestARenamedTableKeepsItsGrant in sight, and another with its name gets none.
func TestARenamedTableKeepsItsGrant(t *testing.T) {
	c := newCounter(t)
	g := c.grant("g1", "id")
	g.StableID = c.harvest().assets[c.database+".app.orders"].StableID
	c.Settle(sdk.GrantRequest{Grant: g})
	run(t, c.admin, "alter table app.orders rename to old; create table app.orders (id int)")
	nameless := sdk.GrantRequest{Grant: c.grant("g1", "id"), Revoke: true}
	run(t, c.admin, "drop table app.orders")
	if _, err := c.Granter.PlanGrant(t.Context(), nameless); err == nil {
		t.Error("a table that is not found by its name is taken for one without rights")
	}
	c.Settle(sdk.GrantRequest{Grant: g, Revoke: true})
	if c.may("select id from app.old") {
		t.Error("the renamed table can still be read")
	}
	run(t, c.admin, "drop table app.old; create table app.orders (id int)")
	if _, err := c.Granter.PlanGrant(t.Context(), sdk.GrantRequest{Grant: g}); err == nil {
		t.Error("another table with the name is granted")
	}
	c.Settle(sdk.GrantRequest{Grant: g, Revoke: true}) // nothing to do
}

// TestListTellsWhatIsThere of Souk, and of the roles that are asked for.
func TestListTellsWhatIsThere(t *testing.T) {
	c := newCounter(t)
	g := c.grant("g1", "id", "note")
	masked := c.grant("g2", "id")
	masked.Masks = []sdk.Mask{{Field: "email", With: "null"}}
	c.Settle(sdk.GrantRequest{Grant: g})
	c.Settle(sdk.GrantRequest{Grant: masked, Others: []sdk.Grant{g}})
	run(t, c.admin, "grant select on app.other to "+pgx.Identifier{c.person}.Sanitize())
	var held []sdk.HeldGrant
	if err := c.Granter.ListGrants(t.Context(), []string{c.person}, func(h sdk.HeldGrant) error { held = append(held, h); return nil }); err != nil {
		t.Fatal(err)
	}
	other := g.Asset
	other.Name = c.database + ".app.other"
	want := []sdk.HeldGrant{
		{Asset: g.Asset, Role: c.person, Fields: []string{"id", "note"}, By: c.writer, Ours: true},
		{Asset: g.Asset, Role: c.person, Fields: []string{"id", "email"}, By: c.writer, Ours: true, GrantID: "g2"},
		{Asset: other, Role: c.person, By: c.owner()},
	}
	slices.SortFunc(held, func(a, b sdk.HeldGrant) int { return strings.Compare(a.Asset.Name+a.GrantID, b.Asset.Name+b.GrantID) })
	if diff := cmp.Diff(want, held); diff != "" {
		t.Error(diff)
	}
}

// TestRightsAreNotGivenWithoutThem nor by the wrong role, nor where it is off.
func TestRightsAreNotGivenWithoutThem(t *testing.T) {
	c := newCounter(t)
	writer := c.writer
	absent, elsewhere, nobody := c.grant("g", "absent"), c.grant("g"), c.grant("g")
	elsewhere.Asset.Name, nobody.Role = "elsewhere.app.orders", "nobody at all"
	c.Refused(absent, sdk.ClassConfig, "grant.fields")
	c.Refused(elsewhere, sdk.ClassConfig, "grant.asset")
	c.Refused(nobody, sdk.ClassConfig, "grant.role")
	run(t, c.admin, "revoke grant option for select on app.orders from "+writer)
	c.Refused(c.grant("g", "id"), sdk.ClassDenied, "")
	run(t, c.admin, "alter table app.orders owner to "+writer)
	c.Refused(c.grant("g", "id"), sdk.ClassConfig, "grants.role")
	c.config.Grants.Password = "canary-wrong"
	c.Granter = open(t, c.config).(sdk.Granter)
	c.Refused(c.grant("g", "id"), sdk.ClassAuth, "")
	c.config.Grants.Role, c.config.Grants.Password = "", ""
	c.Granter = open(t, c.config).(sdk.Granter)
	c.Refused(c.grant("g", "id"), sdk.ClassConfig, "grants.role")
}

// TestManyAtOnce give rights on one table, which PostgreSQL itself refuses to who
// comes second.
func TestManyAtOnce(t *testing.T) {
	c := newCounter(t)
	const many = 6
	var all []sdk.Grant
	for i := range many {
		role := fmt.Sprintf("%s_p-%d.x", c.database, i)
		run(t, c.admin, `create role "`+role+`"`)
		c.after(`drop role "` + role + `"`)
		g := c.grant(fmt.Sprintf("g%d", i), "id", "note")
		g.Role = role
		all = append(all, g)
	}
	c.AtOnce(all)
}

// TestAColumnThatIsGoneIsNoTrouble when the grant ends, and one that takes its
// name is not given.
func TestAColumnThatIsGoneIsNoTrouble(t *testing.T) {
	c := newCounter(t)
	r := sdk.GrantRequest{Grant: c.grant("g1", "id", "note")}
	c.Settle(r)
	run(t, c.admin, "alter table app.orders drop column note", "alter table app.orders add column note text")
	if c.may("select note from app.orders") {
		t.Error("a new column with the old name can be read")
	}
	r.Revoke = true
	c.Settle(r)
	if c.may("select id from app.orders") {
		t.Error("the grant has not ended")
	}
	run(t, c.admin, "drop table app.orders")
	r.Grant.StableID = "pg_class:1.1" // of a table that is not there
	c.Settle(r)
	nobody := c.grant("g2", "id")
	nobody.Role = "PUBLIC"
	if _, err := c.Granter.PlanGrant(t.Context(), sdk.GrantRequest{Grant: nobody}); err == nil {
		t.Error("everybody is taken for a role")
	}
}
