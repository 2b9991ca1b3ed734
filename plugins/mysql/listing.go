package mysql

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"
)

// listing is the catalogue of a server.
type listing struct {
	version   version
	rights    rights
	databases []database // those to harvest
	absent    []string   // to be included, and not there
	tables    []*table
	byName    map[name]*table
}

// version is what the server is, and how it takes names.
type version struct {
	text    string
	mariadb bool
	fold    bool // capital letters of databases and tables do not count
}

// name is that of a table, as the server writes it.
type name struct{ database, table string }

type database struct{ name, comment string }

type table struct {
	name
	kind       string
	engine     string
	rows       sql.Null[uint64]
	data       sql.Null[uint64]
	index      sql.Null[uint64]
	created    sql.NullString
	changed    sql.NullString
	comment    string
	parted     bool
	partitions partitions
	fields     []field
	indexes    []index
	keys       []key
	checks     []check
	view       view
	made       *made // what a view is made of, once it was worked out
}

type partitions struct {
	count      int
	method     string
	expression string
}

type field struct {
	name       string
	position   int
	preset     sql.NullString
	nullable   string
	kind       string
	extra      string
	comment    string
	expression string
}

type index struct {
	name   string
	unique bool
	method string
	parts  []indexPart
}

type indexPart struct {
	place      int
	column     string
	prefix     sql.NullInt64
	expression string
}

type key struct {
	name  string
	to    name
	parts []keyPart
}

type keyPart struct {
	place    int
	from, to string
}

type check struct{ name, clause string }

type view struct {
	sql      sql.NullString
	definer  string
	security string
}

// rows reads all rows of a query.
func rows[T any](ctx context.Context, conn *sql.Conn, query string, scan func(*sql.Rows, *T) error, args ...any) (all []T, err error) {
	err = each(ctx, conn, query, func(r *sql.Rows) error {
		var one T
		err := scan(r, &one)
		all = append(all, one)
		return err
	}, args...)
	return all, err
}

// each hands on the rows of a query as they come.
func each(ctx context.Context, conn *sql.Conn, query string, on func(*sql.Rows) error, args ...any) error {
	found, err := conn.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { _ = found.Close() }()
	for found.Next() {
		if err := on(found); err != nil {
			return err
		}
	}
	return found.Err()
}

// list reads the catalogue.
func (p *parsed) list(ctx context.Context, conn *sql.Conn) (*listing, error) {
	l := &listing{byName: map[name]*table{}}
	var lower int
	if err := conn.QueryRowContext(ctx, versionQuery).Scan(&l.version.text, &lower); err != nil {
		return nil, err
	}
	l.version.know(lower)
	has, err := rows(ctx, conn, columnsQuery, func(r *sql.Rows, s *string) error { return r.Scan(s) })
	if err != nil {
		return nil, err
	}
	if l.rights, err = readRights(ctx, conn, l.version); err != nil {
		return nil, err
	}
	if err := l.chooseDatabases(ctx, conn, p, has); err != nil || len(l.databases) == 0 {
		return l, err
	}
	reads := []func(context.Context, *sql.Conn, string) error{l.readTables, l.readFields, l.readKeys, l.readPartitions}
	reads = append(reads, l.indexReader(has), l.checkReader(has))
	if !p.leave {
		reads = append(reads, l.readViews)
	}
	for _, d := range l.databases {
		for _, read := range reads {
			if err := read(ctx, conn, d.name); err != nil {
				return nil, err
			}
		}
	}
	l.sort()
	return l, nil
}

// know reads the text of the version.
func (v *version) know(lower int) {
	v.mariadb, v.fold = strings.Contains(v.text, "MariaDB"), lower != 0
}

// folded is the name by which two names are the same database or table.
func (v version) folded(s string) string {
	if v.fold {
		return strings.ToLower(s)
	}
	return s
}

func (v version) among(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return v.folded(n) == v.folded(name) })
}

// isSystem tells whether a database is the server's own.
func isSystem(name string) bool {
	switch strings.ToLower(name) {
	case "information_schema", "performance_schema", "mysql", "sys", "ndbinfo":
		return true
	}
	return false
}

func (l *listing) chooseDatabases(ctx context.Context, conn *sql.Conn, p *parsed, has []string) error {
	query := databasesQuery
	if slices.Contains(has, "SCHEMATA.SCHEMA_COMMENT") {
		query = databasesCommentedQuery
	}
	all, err := rows(ctx, conn, query, func(r *sql.Rows, d *database) error { return r.Scan(&d.name, &d.comment) })
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b database) int { return cmp.Compare(a.name, b.name) })
	var there []string
	for _, d := range all {
		there = append(there, d.name)
		if p.grants.User != "" && d.name == p.grants.Database { // what stands there is Souk's own
			continue
		}
		if !isSystem(d.name) && (len(p.include) == 0 || l.version.among(p.include, d.name)) && !l.version.among(p.exclude, d.name) {
			l.databases = append(l.databases, d)
		}
	}
	for _, name := range p.include {
		if !l.version.among(there, name) {
			l.absent = append(l.absent, name)
		}
	}
	return nil
}

func (l *listing) readTables(ctx context.Context, conn *sql.Conn, database string) error {
	all, err := rows(ctx, conn, tablesQuery, func(r *sql.Rows, t *table) error {
		return r.Scan(&t.database, &t.table, &t.kind, &t.engine, &t.rows, &t.data, &t.index, &t.created, &t.changed, &t.comment, &t.parted)
	}, database)
	for i := range all {
		switch t := &all[i]; t.kind {
		case "SEQUENCE", "TEMPORARY", "SYSTEM VIEW":
		default:
			l.tables, l.byName[t.name] = append(l.tables, t), t
		}
	}
	return err
}

// of reads rows that belong to a table. What belongs to none was made after
// the tables were listed, and is left to the next harvest.
func of[T any](ctx context.Context, l *listing, conn *sql.Conn, query, database string, scan func(*sql.Rows, *name, *T) error, add func(*table, T)) error {
	return each(ctx, conn, query, func(r *sql.Rows) error {
		var of name
		var part T
		if err := scan(r, &of, &part); err != nil {
			return err
		}
		if t := l.byName[of]; t != nil {
			add(t, part)
		}
		return nil
	}, database)
}

func (l *listing) readFields(ctx context.Context, conn *sql.Conn, database string) error {
	return of(ctx, l, conn, fieldsQuery, database, func(r *sql.Rows, n *name, f *field) error {
		return r.Scan(&n.database, &n.table, &f.name, &f.position, &f.preset, &f.nullable, &f.kind, &f.extra, &f.comment, &f.expression)
	}, func(t *table, f field) { t.fields = append(t.fields, f) })
}

func (l *listing) indexReader(has []string) func(context.Context, *sql.Conn, string) error {
	query := indexesQuery
	if slices.Contains(has, "STATISTICS.EXPRESSION") {
		query = indexesExpressionQuery
	}
	type row struct {
		index  index
		common bool
		part   indexPart
	}
	return func(ctx context.Context, conn *sql.Conn, database string) error {
		return of(ctx, l, conn, query, database, func(r *sql.Rows, n *name, one *row) error {
			return r.Scan(&n.database, &n.table, &one.index.name, &one.common, &one.part.place, &one.part.column, &one.part.prefix, &one.index.method, &one.part.expression)
		}, func(t *table, one row) {
			i := slices.IndexFunc(t.indexes, func(x index) bool { return x.name == one.index.name })
			if i < 0 {
				one.index.unique = !one.common
				t.indexes, i = append(t.indexes, one.index), len(t.indexes)
			}
			t.indexes[i].parts = append(t.indexes[i].parts, one.part)
		})
	}
}

func (l *listing) readKeys(ctx context.Context, conn *sql.Conn, database string) error {
	type row struct {
		key  key
		part keyPart
	}
	return of(ctx, l, conn, keysQuery, database, func(r *sql.Rows, n *name, one *row) error {
		return r.Scan(&n.database, &n.table, &one.key.name, &one.part.place, &one.part.from, &one.key.to.database, &one.key.to.table, &one.part.to)
	}, func(t *table, one row) {
		i := slices.IndexFunc(t.keys, func(k key) bool { return k.name == one.key.name })
		if i < 0 {
			t.keys, i = append(t.keys, one.key), len(t.keys)
		}
		t.keys[i].parts = append(t.keys[i].parts, one.part)
	})
}

// checkReader reads nothing where the server has no checks.
func (l *listing) checkReader(has []string) func(context.Context, *sql.Conn, string) error {
	query := ""
	switch {
	case slices.Contains(has, "CHECK_CONSTRAINTS.TABLE_NAME"):
		query = checksOfTablesQuery
	case slices.Contains(has, "CHECK_CONSTRAINTS.CHECK_CLAUSE"):
		query = checksOfDatabasesQuery
	}
	return func(ctx context.Context, conn *sql.Conn, database string) error {
		if query == "" {
			return nil
		}
		return of(ctx, l, conn, query, database, func(r *sql.Rows, n *name, c *check) error {
			return r.Scan(&n.database, &n.table, &c.name, &c.clause)
		}, func(t *table, c check) { t.checks = append(t.checks, c) })
	}
}

func (l *listing) readViews(ctx context.Context, conn *sql.Conn, database string) error {
	return of(ctx, l, conn, viewsQuery, database, func(r *sql.Rows, n *name, v *view) error {
		return r.Scan(&n.database, &n.table, &v.sql, &v.definer, &v.security)
	}, func(t *table, v view) { t.view = v })
}

// readPartitions asks only where a table has some: the server opens every table for it.
func (l *listing) readPartitions(ctx context.Context, conn *sql.Conn, database string) error {
	if !slices.ContainsFunc(l.tables, func(t *table) bool { return t.parted && t.database == database }) {
		return nil
	}
	return of(ctx, l, conn, partitionsQuery+partitionsGroup, database, func(r *sql.Rows, n *name, p *partitions) error {
		return r.Scan(&n.database, &n.table, &p.count, &p.method, &p.expression)
	}, func(t *table, p partitions) { t.partitions = p })
}

// sort puts everything into an order that does not depend on the server.
func (l *listing) sort() {
	slices.SortFunc(l.tables, func(a, b *table) int {
		return cmp.Or(cmp.Compare(a.database, b.database), cmp.Compare(a.table, b.table))
	})
	for _, t := range l.tables {
		slices.SortFunc(t.fields, func(a, b field) int { return cmp.Compare(a.position, b.position) })
		slices.SortFunc(t.indexes, func(a, b index) int { return cmp.Compare(a.name, b.name) })
		slices.SortFunc(t.keys, func(a, b key) int { return cmp.Compare(a.name, b.name) })
		slices.SortFunc(t.checks, func(a, b check) int { return cmp.Compare(a.name, b.name) })
		for _, i := range t.indexes {
			slices.SortFunc(i.parts, func(a, b indexPart) int { return cmp.Compare(a.place, b.place) })
		}
		for _, k := range t.keys {
			slices.SortFunc(k.parts, func(a, b keyPart) int { return cmp.Compare(a.place, b.place) })
		}
	}
}

// find gives the table that a name means: the server writes a name in one way
// and takes it in others where capital letters do not count.
func (l *listing) find(n name) (*table, bool) {
	if t, ok := l.byName[n]; ok || !l.version.fold {
		return t, ok
	}
	for there, t := range l.byName {
		if strings.EqualFold(there.database, n.database) && strings.EqualFold(there.table, n.table) {
			return t, true
		}
	}
	return nil, false
}
