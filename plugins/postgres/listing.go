package postgres

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// listing is the catalogue of a database at one moment.
type listing struct {
	schemas   []schema // those to harvest
	remarks   map[string]string
	relations []relation
	byOID     map[uint32]relation
	columns   map[uint32][]column
	keys      map[uint32][]foreignKey
	views     []viewEdge
	more      details
	nameless  []string // what cannot be named in UTF-8, as far as it can be shown
}

// list reads the catalogue in one snapshot that can write nothing.
func (p *parsed) list(ctx context.Context, conn *pgx.Conn) (*listing, error) {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	c := newConverter(tx, conn.PgConn().ParameterStatus("server_encoding"))
	client := "UTF8"
	if c.encoding != "UTF8" {
		// The server would fail a whole query for one name that it cannot
		// convert, so names come as they are stored and are converted after.
		client = "SQL_ASCII"
	}
	settings := "set local statement_timeout = '120s'; set local search_path = pg_catalog; set local client_encoding = "
	if _, err := tx.Exec(ctx, settings+client); err != nil {
		return nil, err
	}
	l := &listing{remarks: map[string]string{}, byOID: map[uint32]relation{}, columns: map[uint32][]column{}, keys: map[uint32][]foreignKey{}}
	chosen, err := l.chooseSchemas(ctx, p, c)
	if err != nil {
		return nil, err
	}
	for _, read := range []func(context.Context, *converter, []uint32) error{l.readRelations, l.readColumns, l.readKeys, l.readViews, l.readDetails} {
		if err := read(ctx, c, chosen); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func rows[T any](ctx context.Context, tx pgx.Tx, query string, args ...any) ([]T, error) {
	found, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, pgx.RowToStructByName[T])
}

// lose remembers what cannot be named.
func (l *listing) lose(parts ...string) {
	l.nameless = append(l.nameless, legible(strings.Join(parts, ".")))
}

// chooseSchemas gives the numbers of the schemas to harvest.
func (l *listing) chooseSchemas(ctx context.Context, p *parsed, c *converter) ([]uint32, error) {
	all, err := rows[schema](ctx, c.tx, schemasQuery)
	if err != nil {
		return nil, err
	}
	var texts []string
	for _, s := range all {
		texts = append(texts, s.Name, s.Comment, s.Owner)
	}
	if err := c.learn(ctx, texts); err != nil {
		return nil, err
	}
	chosen := []uint32{}
	for _, s := range all {
		c.text(&s.Owner)
		if c.text(&s.Comment); !c.name(&s.Name) {
			l.lose(s.Name)
			continue
		}
		if p.grants.Role != "" && s.Name == p.grants.Schema { // what stands there is Souk's own
			continue
		}
		if len(p.include) > 0 && !slices.Contains(p.include, s.Name) || slices.Contains(p.exclude, s.Name) {
			continue
		}
		chosen, l.schemas, l.remarks[s.Name] = append(chosen, s.OID), append(l.schemas, s), s.Comment
	}
	return chosen, nil
}

func (l *listing) readRelations(ctx context.Context, c *converter, chosen []uint32) error {
	all, err := rows[relation](ctx, c.tx, relationsQuery, chosen)
	if err != nil {
		return err
	}
	var texts []string
	for _, r := range all {
		texts = append(texts, r.Schema, r.Name, r.Owner, r.Comment, r.PartitionKey, r.Server)
	}
	if err := c.learn(ctx, texts); err != nil {
		return err
	}
	for _, r := range all {
		for _, text := range []*string{&r.Owner, &r.Comment, &r.PartitionKey, &r.Server} {
			c.text(text)
		}
		if r.Named = c.names(&r.Schema, &r.Name); !r.Named && r.Listed {
			l.lose(r.Schema, r.Name)
		}
		l.relations, l.byOID[r.OID] = append(l.relations, r), r
	}
	return nil
}

func (l *listing) readColumns(ctx context.Context, c *converter, chosen []uint32) error {
	all, err := rows[column](ctx, c.tx, columnsQuery, chosen)
	if err != nil {
		return err
	}
	var texts []string
	for _, col := range all {
		texts = append(texts, col.Name, col.Type, col.Default, col.Comment)
	}
	if err := c.learn(ctx, texts); err != nil {
		return err
	}
	for _, col := range all {
		for _, text := range []*string{&col.Type, &col.Default, &col.Comment} {
			c.text(text)
		}
		if !c.name(&col.Name) {
			of := l.byOID[col.Relation]
			l.lose(of.Schema, of.Name, col.Name)
			continue
		}
		l.columns[col.Relation] = append(l.columns[col.Relation], col)
	}
	return nil
}

// readKeys leaves out a key whose table or columns cannot be named; what
// cannot is noted where it stands.
func (l *listing) readKeys(ctx context.Context, c *converter, chosen []uint32) error {
	all, err := rows[foreignKey](ctx, c.tx, keysQuery, chosen)
	if err != nil {
		return err
	}
	var texts []string
	for _, k := range all {
		texts = slices.Concat(texts, k.Fields, k.Targets, []string{k.Name, k.Schema, k.Target})
	}
	if err := c.learn(ctx, texts); err != nil {
		return err
	}
	for _, k := range all {
		ok := c.names(&k.Schema, &k.Target)
		for _, list := range [][]string{k.Fields, k.Targets} {
			for i := range list {
				ok = c.name(&list[i]) && ok
			}
		}
		if c.text(&k.Name); ok {
			l.keys[k.Relation] = append(l.keys[k.Relation], k)
		}
	}
	return nil
}

func (l *listing) readViews(ctx context.Context, c *converter, chosen []uint32) error {
	all, err := rows[viewEdge](ctx, c.tx, viewsQuery, chosen)
	if err != nil {
		return err
	}
	var texts []string
	for _, v := range all {
		texts = append(texts, v.FromSchema, v.FromName, v.ToSchema, v.ToName)
	}
	if err := c.learn(ctx, texts); err != nil {
		return err
	}
	for _, v := range all {
		if c.names(&v.FromSchema, &v.FromName, &v.ToSchema, &v.ToName) {
			l.views = append(l.views, v)
		}
	}
	return nil
}
