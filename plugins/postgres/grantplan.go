package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/souk-mesh/souk/plugins/internal/granting"
	"github.com/souk-mesh/souk/plugins/internal/sqlgrant"
	"github.com/souk-mesh/souk/sdk"
)

// planner makes the plan of one request on one state.
type planner struct {
	granting.Plan

	w  *writer
	r  sdk.GrantRequest
	st *state
}

// plan reads the state and says what is to be done.
func (w *writer) plan(ctx context.Context, tx pgx.Tx, r sdk.GrantRequest) (sdk.GrantPlan, error) {
	st, err := w.state(ctx, tx, r.Grant)
	if err != nil {
		return sdk.GrantPlan{}, err
	}
	p := &planner{w: w, r: r, st: st}
	if err := p.make(); err != nil {
		return sdk.GrantPlan{}, err
	}
	return p.Stand(st)
}

func (p *planner) make() error {
	if p.r.Revoke {
		return p.takeAway()
	}
	if err := p.possible(); err != nil {
		return err
	}
	p.foreign()
	if sqlgrant.Shaped(p.r.Grant) {
		return p.giveView()
	}
	return p.giveTable()
}

func (p *planner) role() string { return quote(p.r.Grant.Role) }

// possible refuses what cannot be given, and a writer whose gifts could not be
// told from those of the table's owner.
func (p *planner) possible() error {
	g, writer := p.r.Grant, quote(p.w.pgx.User)
	switch {
	case p.st.Role.OID == 0:
		return sdk.Config("grant.role", "there is no role "+p.role(), "create the role, or let an administrator name another one")
	case p.st.Table.OID == 0:
		return sdk.Config("grant.asset", fmt.Sprintf("there is no such table: %.200q", g.Asset.Name), "harvest the source, and grant what it has")
	case p.st.Role.OID == p.st.Writer.OID:
		return sdk.Config("grant.role", "is the role that gives rights", "let an administrator name another one")
	case p.st.Writer.Super, p.st.Table.Owned:
		return sdk.Config("grants.role", "the role "+writer+" may act for the owner of "+p.st.Table.quoted()+": what it gives could not be told from what the owner gives",
			"give Souk a role of its own, as the page of the plugin says, that is no member of "+quote(p.st.Table.Owner))
	}
	for _, field := range sqlgrant.Named(g) {
		c, has := p.st.column(field)
		if !has {
			return sdk.Config("grant.fields", fmt.Sprintf("%s has no column %.80q", p.st.Table.quoted(), field), "harvest the source, and grant what it has")
		}
		if !p.st.passable(c.Num) {
			return p.mayNotPassOn()
		}
	}
	if len(g.Fields) == 0 && !p.st.passable(0) {
		return p.mayNotPassOn()
	}
	return nil
}

func (p *planner) mayNotPassOn() error {
	writer := quote(p.w.pgx.User)
	return sdk.Denied("the role "+writer+" may not pass on what is to be read of "+p.st.Table.quoted(),
		fmt.Sprintf("GRANT USAGE ON SCHEMA %s TO %s WITH GRANT OPTION; GRANT SELECT ON %s TO %s WITH GRANT OPTION;", quote(p.st.Table.Schema), writer, p.st.Table.quoted(), writer))
}

// foreign tells of rights that are not Souk's to take away.
func (p *planner) foreign() {
	for _, r := range p.st.Rights {
		if r.Grantee == p.st.Role.OID && r.Grantor != p.st.Writer.OID {
			word := "Somebody else has given the role %s a right on %s already, and it stays when this grant ends: who gave it takes it away with REVOKE."
			if p.r.Grant.TakeOver {
				word = "Somebody else has given the role %s a right on %s already. To take it over, who gave it runs REVOKE once this grant is there: PostgreSQL lets nobody else."
			}
			p.Remark(word, p.role(), p.st.Table.quoted())
			return
		}
	}
}

// giveTable gives columns of the table, or all of it.
func (p *planner) giveTable() error {
	t := p.st.Table
	if !p.st.Usage.Any {
		if !p.st.Usage.Passable {
			return p.mayNotPassOn()
		}
		p.Do("GRANT USAGE ON SCHEMA %s TO %s", quote(t.Schema), p.role())
	}
	p.Reads = p.w.nameOf(t.Schema, t.Name)
	if t.Security {
		p.Remark("The policies of row security of the table still choose which rows the role sees.")
	}
	if len(p.r.Grant.Fields) == 0 {
		p.Remark("The role reads every column of %s, also one that is added later.", t.quoted())
		if !p.st.ours(0) {
			p.Do("GRANT SELECT ON %s TO %s", t.quoted(), p.role())
		}
		return nil
	}
	p.Remark("The role reads these columns of %s and no other; SELECT * fails, since it asks for all of them.", t.quoted())
	missing := p.columns(p.r.Grant.Fields, func(c grantColumn) bool { return !p.st.ours(c.Num) })
	if len(missing) > 0 {
		p.Do("GRANT SELECT (%s) ON %s TO %s", strings.Join(missing, ", "), t.quoted(), p.role())
	}
	return nil
}

// columns gives those of the names that are there and wanted, quoted, in the
// order of the table.
func (p *planner) columns(names []string, wanted func(grantColumn) bool) (quoted []string) {
	for _, c := range p.st.Columns {
		if slices.Contains(names, c.Name) && wanted(c) {
			quoted = append(quoted, quote(c.Name))
		}
	}
	return quoted
}

// takeAway takes away what the grant has given, but for what the others need.
func (p *planner) takeAway() error {
	switch {
	case p.st.Role.OID == 0: // all its rights went with it
		p.dropView()
	case sqlgrant.Shaped(p.r.Grant):
		p.dropView()
		if p.st.View != nil && p.st.Through.Ours && !p.st.Through.Others {
			p.Do("REVOKE USAGE ON SCHEMA %s FROM %s", quote(p.w.schema), p.role())
		}
	case p.st.Table.OID == 0 && p.r.Grant.StableID == "":
		return sdk.Config("grant.asset", fmt.Sprintf("there is no such table: %.200q", p.r.Grant.Asset.Name),
			"look whether it has another name now: a right stays when its table is renamed; name it by its stableId, as it was harvested")
	case p.st.Table.OID != 0:
		p.takeTable()
	}
	return nil
}

// takeTable ends with the schema, where nothing of Souk's is left in it for the role.
func (p *planner) takeTable() {
	var left bool
	if len(p.r.Grant.Fields) > 0 {
		left = p.takeColumns()
	} else {
		left = p.takeWhole()
	}
	if !left && p.st.Usage.Ours && !p.st.Usage.Others {
		p.Do("REVOKE USAGE ON SCHEMA %s FROM %s", quote(p.st.Table.Schema), p.role())
	}
}

// takeColumns takes the columns that no other grant needs, and tells whether any
// right is left.
func (p *planner) takeColumns() (left bool) {
	t, kept, left := p.st.Table, sqlgrant.Kept(p.r.Others), p.st.ours(0)
	var dropped []string
	for _, c := range p.st.Columns {
		switch {
		case !p.st.ours(c.Num):
		case slices.Contains(p.r.Grant.Fields, c.Name) && !kept[c.Name]:
			dropped = append(dropped, quote(c.Name))
		default:
			left = true
		}
	}
	if len(dropped) > 0 {
		p.Do("REVOKE SELECT (%s) ON %s FROM %s", strings.Join(dropped, ", "), t.quoted(), p.role())
	}
	return left
}

// takeWhole takes the right on the table, with which the server takes those on
// its columns, too: what others need is given again.
func (p *planner) takeWhole() (left bool) {
	t, kept := p.st.Table, sqlgrant.Kept(p.r.Others)
	if kept[""] {
		return true
	}
	again := p.columns(p.everything(), func(c grantColumn) bool { return p.st.ours(c.Num) || kept[c.Name] })
	if p.st.ours(0) {
		p.Do("REVOKE SELECT ON %s FROM %s", t.quoted(), p.role())
		if len(again) > 0 {
			p.Do("GRANT SELECT (%s) ON %s TO %s", strings.Join(again, ", "), t.quoted(), p.role())
		}
	}
	return len(again) > 0
}

func (p *planner) everything() (names []string) {
	for _, c := range p.st.Columns {
		names = append(names, c.Name)
	}
	return names
}

// giveView makes a view of the table that the role reads in its place.
func (p *planner) giveView() error {
	view := quote(p.w.schema) + "." + quote(p.r.Grant.ID)
	if !p.st.Through.Passable {
		return sdk.Config("grants.schema", "there is no schema "+quote(p.w.schema)+" that belongs to the role "+quote(p.w.pgx.User),
			fmt.Sprintf("CREATE SCHEMA %s AUTHORIZATION %s;", quote(p.w.schema), quote(p.w.pgx.User)))
	}
	columns, err := sqlgrant.Shown(p.r.Grant, p.everything(), quote, func(n int, with string) string { return mask(with, p.st.Columns[n]) })
	if err != nil {
		return err
	}
	where, err := sqlgrant.Where(p.r.Grant.Filters, comparison)
	if err != nil {
		return err
	}
	create := fmt.Sprintf("CREATE VIEW %s WITH (security_barrier = true) AS SELECT %s FROM %s%s", view, strings.Join(columns, ", "), p.st.Table.quoted(), where)
	sum := sha256.Sum256([]byte(create))
	comment := fmt.Sprintf("Souk's view for the grant %s; it goes with it. %s", p.r.Grant.ID, hex.EncodeToString(sum[:8]))
	p.Reads = p.w.nameOf(p.w.schema, p.r.Grant.ID)
	p.sayWhatAViewDoes()
	if !p.st.Through.Any {
		p.Do("GRANT USAGE ON SCHEMA %s TO %s", quote(p.w.schema), p.role())
	}
	made := p.st.View != nil && p.st.View.Comment == comment
	if !made {
		p.dropView()
		p.Do("%s", create)
		p.Do("COMMENT ON VIEW %s IS %s", view, literal(comment))
	}
	if !made || !p.st.View.Shown {
		p.Do("GRANT SELECT ON %s TO %s", view, p.role())
	}
	return nil
}

func (p *planner) dropView() {
	if p.st.View != nil {
		p.Do("DROP VIEW %s.%s", quote(p.w.schema), quote(p.r.Grant.ID))
	}
}

// mask is the expression in the place of a column. Nothing at all is shown of
// what is no text, since a number or a date has no half.
func mask(with string, c grantColumn) string {
	name := quote(c.Name)
	switch {
	case with == "hash" && c.Text:
		return fmt.Sprintf("upper(encode(sha256(convert_to(%s::text, 'UTF8')), 'hex')) AS %s", name, name)
	case with == "partial" && c.Text:
		return fmt.Sprintf("CASE WHEN length(%s::text) > 8 THEN '****' || right(%s::text, 4) WHEN %s IS NOT NULL THEN '****' END AS %s", name, name, name, name)
	}
	return fmt.Sprintf("NULL::%s AS %s", c.Type, name)
}

// comparison writes what a filter says. Nothing else is ever written.
func comparison(field, sign string, values []string) (string, error) {
	var literals []string
	for _, v := range values {
		literals = append(literals, literal(v))
	}
	return sqlgrant.Comparison(quote(field), sign, literals), nil
}

// sayWhatAViewDoes tells people what to expect of it.
func (p *planner) sayWhatAViewDoes() {
	p.Remark("The role reads the view and not the table. While the view stands, its columns can be neither dropped nor given another type.")
	if p.st.Table.Security {
		p.Remark("The policies of row security of the table are asked for the role %s, not for the reader: a filter of the grant is what chooses rows here.", quote(p.w.pgx.User))
	}
	sqlgrant.SayMasks(&p.Plan, p.r.Grant.Masks)
}

func (p *parsed) nameOf(schema, name string) sdk.NativeID {
	return sdk.NativeID{Namespace: p.namespace, Name: sdk.JoinName(p.database, schema, name)}
}

// literal is the text in quotes, under standard_conforming_strings.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
