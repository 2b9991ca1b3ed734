package pdp

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// tables says which database stands behind each catalog of a query engine.
type tables map[string]database

type database struct{ namespace, name string }

// readTables reads NAME=NAMESPACE/DATABASE, such as
// shop=postgres://db.acme.example:5432/shop.
func readTables(settings []string) (tables, error) {
	t := tables{}
	for _, s := range settings {
		name, address, ok := strings.Cut(s, "=")
		slash := strings.LastIndex(address, "/")
		if !ok || name == "" || slash < 1 || slash == len(address)-1 || address[slash-1] == '/' {
			return nil, model.Invalid("trino-catalogs", "has the entry "+s, "write NAME=NAMESPACE/DATABASE, such as shop=postgres://db.acme.example:5432/shop")
		}
		t[name] = database{namespace: address[:slash], name: address[slash+1:]}
	}
	return t, nil
}

// Table is a table as a query engine names it.
type Table struct{ Catalog, Schema, Table string }

// assets finds what a query engine may mean by the name: by its database where
// the operator has said which, and by its full name otherwise. Engines fold
// case, so every asset counts whose name differs in case alone, and so does one
// that goes by the name beside its own, as a table does by its partitions'.
func (r *batch) assets(ctx context.Context, t Table) ([]model.Asset, error) {
	name := model.JoinName(t.Catalog, t.Schema, t.Table)
	db, mapped := r.tables[t.Catalog]
	if mapped {
		name = model.JoinName(db.name, t.Schema, t.Table)
	}
	if len(name) > maxName || !utf8.ValidString(name) {
		return nil, nil
	}
	where := store.Eq("lower", strings.ToLower(name))
	if mapped {
		where = store.And(where, store.Eq("namespace", db.namespace))
	}
	var found []model.Asset
	for a, err := range store.Assets.All(ctx, r.store, store.Query{Index: "by_lower", Where: where, Limit: store.MaxPage}) {
		if err != nil {
			return nil, err
		}
		found = append(found, a)
	}
	var ids []model.ID
	for alias, err := range store.Aliases.All(ctx, r.store, store.Query{Index: "by_lower", Where: where, Limit: store.MaxPage}) {
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(found, func(a model.Asset) bool { return a.ID == alias.AssetID }) && !slices.Contains(ids, alias.AssetID) {
			ids = append(ids, alias.AssetID)
		}
	}
	others, err := store.Assets.GetMany(ctx, r.store, ids...)
	found = append(found, others...)
	// The one that is spelt as asked comes first: its fields are the table's.
	slices.SortStableFunc(found, func(a, b model.Asset) int { return exactFirst(a.Name == name, b.Name == name) })
	return found, err
}

func exactFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// Answer is what the policies say of a table.
type Answer struct {
	model.Decision
	Known    bool               // the decision counts; without it the operator's setting does
	Governed bool               // a product offers the table, or what it is only another name of
	Fields   []model.AssetField // of the table, as the catalog knows them
	table    Table              // as the engine names it
}

// Tables asks whether the subject may do the action to the products that offer
// the tables, all by the same policies; where several offer one, the strictest
// decides. Without a stated purpose the one counts that the subject's grant was
// given for.
func (s *Service) Tables(ctx context.Context, who Entity, action model.Action, list []Table, purpose string, c Client) ([]Answer, error) {
	r := s.batch(c)
	person, err := r.subject(ctx, who)
	if err != nil {
		return nil, err
	}
	if err := r.mayAsk(ctx, person); err != nil {
		return nil, err
	}
	answers := make([]Answer, len(list))
	for i, t := range list {
		if answers[i], err = r.table(ctx, person, action, t, purpose); err != nil {
			return nil, err
		}
	}
	return answers, r.keep(ctx)
}

func (r *batch) table(ctx context.Context, who *model.Principal, action model.Action, t Table, purpose string) (Answer, error) {
	assets, err := r.assets(ctx, t)
	if err != nil {
		return Answer{}, err
	}
	if len(assets) == 0 {
		assets = []model.Asset{noAsset()}
	}
	q := Question{Action: string(action), Context: map[string]any{"purpose": purpose, "table": t.Catalog + "." + t.Schema + "." + t.Table}}
	offer, err := r.offerOf(ctx, assets...)
	if err != nil {
		return Answer{}, err
	}
	answer := Answer{Known: offer.any(), Governed: offer.any(), Fields: assets[0].Fields, table: t}
	if !answer.Governed {
		if offer, err = r.beneath(ctx, assets); err != nil || !offer.any() {
			return Answer{Fields: answer.Fields}, errors.Join(err, r.asMuch(ctx, who, q))
		}
		answer.Governed = true
	}
	d, err := r.strictest(ctx, who, offer, q, r.fitting(answer, offer))
	if err != nil {
		return answer, err
	}
	answer.Decision = r.carried(d)
	if !answer.Known {
		answer.Known = !answer.Allowed() || altersRows(answer.Decision)
		if answer.Known && answer.Allowed() {
			answer.Decision = unknown("obligation.unsupported", "The table shows another one under another name, and its masks and filters cannot be carried over.")
		}
	}
	return answer, nil
}

// asMuch takes the reads and the decision that a table on offer takes: one that
// nobody offers, or that there is none of, cannot be told from it by its cost.
func (r *batch) asMuch(ctx context.Context, who *model.Principal, q Question) error {
	if who == nil {
		return nil
	}
	res, err := noProduct(ctx, r, Entity{Type: "data_product"})
	if err != nil {
		return err
	}
	about, err := r.withPurpose(ctx, *who, res, q)
	if err != nil {
		return err
	}
	_, err = r.askUnlogged(ctx, *who, target{res: res, absent: true}, about)
	return err
}

// fitting asks about a product that offers the table, and refuses a duty on a
// column that the product does not have.
func (r *batch) fitting(a Answer, o offering) asker {
	return func(ctx context.Context, who model.Principal, what target, q Question) (model.Decision, error) {
		d, err := r.askLogged(ctx, who, what, q)
		at := slices.IndexFunc(o.products, func(p model.DataProduct) bool { return p.ID == what.res.ID })
		if err != nil || at < 0 || !a.Known {
			return d, err
		}
		a.Decision = d
		return r.fitted(ctx, o.products[at], a)
	}
}

// Present asks whether the subject is somebody who may look around at all.
func (s *Service) Present(ctx context.Context, who Entity, c Client) (bool, error) {
	r := s.batch(c)
	person, err := r.subject(ctx, who)
	if err != nil {
		return false, err
	}
	if err := r.mayAsk(ctx, person); err != nil || person == nil {
		return false, err
	}
	res, err := r.gate.Principal(ctx, *person)
	if err != nil {
		return false, err
	}
	return r.would(ctx, *person, target{res: res}, Question{Action: string(model.ActMetadataView)})
}
