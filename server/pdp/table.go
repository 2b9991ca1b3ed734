package pdp

import (
	"context"
	"slices"
	"strings"

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

// product finds what offers the asset: the first published product, by name,
// of which it is an output. Nil is an asset that nobody offers.
func (r *round) product(ctx context.Context, asset model.ID) (*model.DataProduct, error) {
	q := store.Query{Index: "by_asset", Where: store.Eq("asset", string(asset)), Limit: store.MaxPage}
	for p, err := range store.Products.All(ctx, r.store, q) {
		if err != nil {
			return nil, err
		}
		if (p.Status == model.Published || p.Status == model.Deprecated) && slices.Contains(p.Assets(model.OutputPort), asset) {
			return &p, nil
		}
	}
	return nil, nil //nolint:nilnil // nobody offers it
}

// asset finds the table in the catalog, by its database where the operator has
// said which, and by its full name otherwise. A name that means two means none.
func (r *round) asset(ctx context.Context, t Table) (*model.Asset, error) {
	name := model.JoinName(t.Catalog, t.Schema, t.Table)
	where := store.Eq("name", name)
	if db, ok := r.tables[t.Catalog]; ok {
		name = model.JoinName(db.name, t.Schema, t.Table)
		where = store.And(store.Eq("name", name), store.Eq("namespace", db.namespace))
	}
	return find(ctx, r.store, store.Assets, "", name, store.Query{Index: "by_name", Where: where})
}

// Answer is what the policies say of a table.
type Answer struct {
	model.Decision
	Known  bool               // a product offers the table; without one there is no decision
	Fields []model.AssetField // of the table, as the catalog knows them
	table  Table              // as the engine names it
}

// Tables asks whether the subject may do the action to the products that offer
// the tables, all by the same policies. Without a stated purpose the one counts
// that the subject's grant was given for.
func (s *Service) Tables(ctx context.Context, who Entity, action model.Action, list []Table, purpose string, c Client) ([]Answer, error) {
	r := s.round(c)
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

func (r *round) table(ctx context.Context, who *model.Principal, action model.Action, t Table, purpose string) (Answer, error) {
	a, err := r.asset(ctx, t)
	if err != nil || a == nil {
		return Answer{}, err
	}
	p, err := r.product(ctx, a.ID)
	if err != nil || p == nil {
		return Answer{}, err
	}
	answer := Answer{Known: true, Fields: a.Fields, table: t, Decision: unknown("subject.unknown", "There is no such subject here.")}
	if who == nil {
		return answer, nil
	}
	res, err := r.gate.Product(ctx, *p)
	if err != nil {
		return answer, err
	}
	if purpose == "" {
		if purpose, err = r.session.Purpose(ctx, *who, res); err != nil {
			return answer, err
		}
	}
	q := Question{Action: string(action), Context: map[string]any{"purpose": purpose, "table": t.Catalog + "." + t.Schema + "." + t.Table}}
	decided, err := r.ask(ctx, *who, thing{res: res}, q)
	if err != nil {
		return answer, err
	}
	r.rows = append(r.rows, decided.Row)
	answer.Decision = r.carried(decided.Decision)
	answer.Decision, err = r.fitted(ctx, *p, answer)
	return answer, err
}

// Present asks whether the subject is somebody who may look around at all.
func (s *Service) Present(ctx context.Context, who Entity, c Client) (bool, error) {
	r := s.round(c)
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
	return r.would(ctx, *person, thing{res: res}, Question{Action: string(model.ActMetadataView)})
}
