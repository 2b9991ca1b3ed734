package mysql

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/granting"
	"github.com/souk-mesh/souk/plugins/internal/sqlgrant"
	"github.com/souk-mesh/souk/sdk"
)

// planner makes the plan of one request on one state.
type planner struct {
	granting.Plan

	w    *writer
	r    sdk.GrantRequest
	st   *state
	undo []string // of each statement, "" where it is not undone
}

// plan reads the state and says what is to be done.
func (w *writer) plan(ctx context.Context, r sdk.GrantRequest) (planner, error) {
	st, err := w.state(ctx, r.Grant)
	if err != nil {
		return planner{}, err
	}
	p := planner{w: w, r: r, st: st}
	if err := p.make(); err != nil {
		return planner{}, err
	}
	p.GrantPlan, err = p.Stand(fmt.Sprintf("%#v", *st))
	return p, err
}

func (p *planner) make() error {
	if p.r.Revoke {
		p.takeAway()
		return nil
	}
	if err := p.possible(); err != nil {
		return err
	}
	p.sayWhoElse()
	if sqlgrant.Shaped(p.r.Grant) {
		return p.giveView()
	}
	p.giveTable()
	return nil
}

// step adds a statement with the one that undoes it, if the rest fails.
func (p *planner) step(undo, format string, args ...any) {
	p.Do(format, args...)
	p.undo = append(p.undo, undo)
}

func (t name) quoted() string { return quote(t.database) + "." + quote(t.table) }

// possible refuses what cannot be given.
func (p *planner) possible() error {
	g, t := p.r.Grant, p.st.Table
	switch {
	case !p.st.Known:
		return sdk.Config("grant.role", "there is no account "+p.st.Account.String(), "create it, or let an administrator name another one")
	case p.st.Account == p.w.me:
		return sdk.Config("grant.role", "is the user that gives rights", "let an administrator name another one")
	case isSystem(t.database) || p.w.version.folded(t.database) == p.w.version.folded(p.w.database):
		return sdk.Config("grant.asset", fmt.Sprintf("is the server's own, or Souk's: %.200q", g.Asset.Name), "grant what was harvested")
	case !p.st.There:
		return sdk.Config("grant.asset", fmt.Sprintf("there is no such table, or the user %s may read nothing of it: %.200q", quote(p.w.driver.User), g.Asset.Name), p.passOn())
	}
	for _, field := range sqlgrant.Named(g) {
		if _, has := p.st.column(field); !has {
			return sdk.Config("grant.fields", fmt.Sprintf("%s has no column %.80q that the user %s may read", t.quoted(), field, quote(p.w.driver.User)), "harvest the source, and grant what it has; or "+p.passOn())
		}
		if !p.st.passable(p.w.me, field) {
			return p.mayNotPassOn()
		}
	}
	if len(g.Fields) == 0 && !p.st.passable(p.w.me, "") {
		return p.mayNotPassOn()
	}
	return nil
}

func (p *planner) passOn() string {
	return fmt.Sprintf("GRANT SELECT ON %s TO %s WITH GRANT OPTION;", p.st.Table.quoted(), p.w.me)
}

func (p *planner) mayNotPassOn() error {
	return sdk.Denied("the user "+p.w.me.String()+" may not pass on what is to be read of "+p.st.Table.quoted(), p.passOn())
}

// sayWhoElse tells whose rights are mixed up with those of the account.
func (p *planner) sayWhoElse() {
	if len(p.st.Same) > 0 {
		p.Remark("The server gives the rights of %s also to accounts of the same name at hosts that fit: %s.", p.st.Account, join(p.st.Same))
	}
	if p.st.Account.Host == "" {
		p.Remark("%s is a role: who has it reads once it is in effect, by SET ROLE or SET DEFAULT ROLE.", p.st.Account)
	}
}

func join(all []account) string {
	var texts []string
	for _, a := range all {
		texts = append(texts, a.String())
	}
	return strings.Join(texts, ", ")
}

// giveTable gives columns of the table, or all of it. What somebody else has given
// already has no second entry in the server: it is left, or taken over.
func (p *planner) giveTable() {
	t, wanted := p.st.Table, p.r.Grant.Fields
	p.Reads = p.w.nameOf(t)
	if len(wanted) == 0 {
		p.Remark("The account reads every column of %s, also one that is added later.", t.quoted())
		wanted = []string{""}
	} else {
		p.Remark("The account reads these columns of %s and no other by it; SELECT * fails, since it asks for all of them.", t.quoted())
	}
	p.Remark("The server keeps rights by names: whatever table has the name %s is read, also one that takes the name later.", t.quoted())
	var note, give, foreign []string
	for _, column := range p.inOrder(wanted) {
		has, noted := p.st.has(column), p.st.noted(column)
		if has && !noted && !p.r.Grant.TakeOver {
			foreign = append(foreign, column)
			continue
		}
		if !noted {
			note = append(note, column)
		}
		if !has {
			give = append(give, column)
		}
	}
	if len(foreign) > 0 {
		p.Remark("Somebody else has given the account this already%s. It stays when this grant ends, unless the grant takes it over.", p.byWhom(foreign))
	}
	p.note(note)
	if len(give) > 0 {
		p.step(p.revoke(give), "GRANT SELECT%s ON %s TO %s", columnList(give), t.quoted(), p.st.Account)
	}
}

// inOrder are the columns in the order of the table, whatever else was named last.
func (p *planner) inOrder(columns []string) (sorted []string) {
	for _, c := range append(p.st.names(), "") {
		if slices.Contains(columns, c) {
			sorted = append(sorted, c)
		}
	}
	for _, c := range columns {
		if !slices.Contains(sorted, c) {
			sorted = append(sorted, c)
		}
	}
	return sorted
}

func columnList(columns []string) string {
	if columns[0] == "" {
		return ""
	}
	var quoted []string
	for _, c := range columns {
		quoted = append(quoted, quote(c))
	}
	return " (" + strings.Join(quoted, ", ") + ")"
}

func (p *planner) revoke(columns []string) string {
	return fmt.Sprintf("REVOKE SELECT%s ON %s FROM %s", columnList(columns), p.st.Table.quoted(), p.st.Account)
}

// byWhom tells who changed the account's rights last, which is all that is known.
func (p *planner) byWhom(columns []string) string {
	for _, r := range p.st.Rights {
		if r.Account == p.st.Account && r.Wide == "" && p.w.giver(r) != "" && slices.Contains(columns, r.Column) {
			return " (the last who changed its rights on the table is " + p.w.giver(r) + ")"
		}
	}
	return ""
}

// note writes down what is about to be given, so that it is known as Souk's.
func (p *planner) note(columns []string) {
	if len(columns) == 0 {
		return
	}
	var values []string
	for _, c := range columns {
		values = append(values, p.values(c, "", ""))
	}
	p.step(p.forget(columns), "INSERT INTO %s (`user`, `host`, `db`, `tbl`, `col`, `grant_id`, `made`, `shown`) VALUES %s", p.w.list(), strings.Join(values, ", "))
}

func (p *planner) values(column, grant, made string) string {
	a, t := p.st.Account, p.st.Table
	var all []string
	for _, v := range []string{a.User, a.Host, t.database, t.table, column, grant, made, ""} {
		all = append(all, literal(v))
	}
	return "(" + strings.Join(all, ", ") + ")"
}

func (p *planner) forget(columns []string) string {
	a, t := p.st.Account, p.st.Table
	var all []string
	for _, c := range columns {
		all = append(all, literal(c))
	}
	return fmt.Sprintf("DELETE FROM %s WHERE `user` = %s AND `host` = %s AND `db` = %s AND `tbl` = %s AND `grant_id` = '' AND `col` IN (%s)",
		p.w.list(), literal(a.User), literal(a.Host), literal(t.database), literal(t.table), strings.Join(all, ", "))
}

// takeAway takes away what the grant has given, but for what the others need. It
// is found by what Souk has noted: the table may be gone, and its rights are not.
func (p *planner) takeAway() {
	if sqlgrant.Shaped(p.r.Grant) {
		p.takeView()
		return
	}
	wanted, kept := p.r.Grant.Fields, sqlgrant.Kept(p.r.Others)
	if len(wanted) == 0 {
		wanted = []string{""}
	}
	var drop, forget []string
	for _, column := range p.inOrder(wanted) {
		if kept[column] || !p.st.noted(column) {
			continue
		}
		forget = append(forget, column)
		if p.st.has(column) {
			drop = append(drop, column)
		}
	}
	if len(drop) > 0 {
		p.step("", "%s", p.revoke(drop))
	}
	if again := p.columnsLeft(); slices.Equal(drop, []string{""}) && len(again) > 0 {
		p.step("", "GRANT SELECT%s ON %s TO %s", columnList(again), p.st.Table.quoted(), p.st.Account)
	}
	if len(forget) > 0 {
		p.step("", "%s", p.forget(forget))
	}
}

// columnsLeft are those that the account has one by one, by whatever hand: the
// server takes them with the right on the whole table, and they are given again.
func (p *planner) columnsLeft() []string {
	return slices.DeleteFunc(p.st.names(), func(column string) bool { return !p.st.has(column) })
}

// takeView takes the right on the view before the view: the server keeps rights on
// what is gone, and would give them on what comes after it.
func (p *planner) takeView() {
	note := p.st.noteOf(p.r.Grant.ID)
	if note == nil {
		return
	}
	view := name{p.w.database, p.r.Grant.ID}.quoted()
	if p.st.Shown {
		p.step("", "REVOKE SELECT ON %s FROM %s", view, p.st.Account)
	}
	if p.st.View != "" {
		p.step("", "DROP VIEW %s", view)
	}
	p.step("", "%s", p.forgetView())
}

func (p *planner) forgetView() string {
	return fmt.Sprintf("DELETE FROM %s WHERE `grant_id` = %s", p.w.list(), literal(p.r.Grant.ID))
}

// giveView makes a view of the table that the account reads in its place.
func (p *planner) giveView() error {
	view := name{p.w.database, p.r.Grant.ID}
	create, err := p.createView(view)
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(create))
	made, note := hex.EncodeToString(sum[:]), p.st.noteOf(p.r.Grant.ID)
	if note == nil && p.st.View != "" {
		return sdk.Config("grants.database", "has a view "+view.quoted()+" that Souk has not made", "drop it: the database is Souk's alone")
	}
	p.Reads = p.w.nameOf(view)
	p.Remark("The account reads the view and not the table. A view with a filter is worked out whole for each query, so that no condition of the reader sees another row, and comparisons use no index.")
	sqlgrant.SayMasks(&p.Plan, p.r.Grant.Masks)
	whole := note != nil && p.st.View != "" && note.Made == made && note.Shown == p.st.View && note.Account == p.st.Account && note.Table == p.st.Table
	if !whole {
		p.takeView()
		p.step(p.forgetView(), "INSERT INTO %s (`user`, `host`, `db`, `tbl`, `col`, `grant_id`, `made`, `shown`) VALUES %s", p.w.list(), p.values("", p.r.Grant.ID, made))
		p.step("DROP VIEW "+view.quoted(), "%s", create)
		p.step("", "UPDATE %s SET `shown` = (SELECT SHA2(view_definition, 256) FROM information_schema.views WHERE table_schema = %s AND table_name = %s) WHERE `grant_id` = %s",
			p.w.list(), literal(view.database), literal(view.table), literal(p.r.Grant.ID))
	}
	if !whole || !p.st.Shown {
		p.step("", "GRANT SELECT ON %s TO %s", view.quoted(), p.st.Account)
	}
	return nil
}

func (p *planner) createView(view name) (string, error) {
	g := p.r.Grant
	columns, err := sqlgrant.Shown(g, p.st.names(), quote, func(n int, with string) string { return p.st.Columns[n].mask(with) })
	if err != nil {
		return "", err
	}
	where, err := sqlgrant.Where(g.Filters, p.st.compare)
	if err != nil {
		return "", err
	}
	how, end := "MERGE", ""
	if where != "" {
		how, end = "TEMPTABLE", " LIMIT 18446744073709551615"
	}
	return fmt.Sprintf("CREATE ALGORITHM = %s SQL SECURITY DEFINER VIEW %s AS SELECT %s FROM %s%s%s", how, view.quoted(), strings.Join(columns, ", "), p.st.Table.quoted(), where, end), nil
}

func (p *parsed) nameOf(t name) sdk.NativeID {
	return sdk.NativeID{Namespace: p.namespace, Name: sdk.JoinName(t.database, t.table)}
}

// literal is the text in quotes, under NO_BACKSLASH_ESCAPES.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
