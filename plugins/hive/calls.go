package hive

import (
	"context"
	"strings"

	"github.com/apache/thrift/lib/go/thrift"
)

// The calls of the Metastore, with the numbers of fields that its IDL gives
// (standalone-metastore/metastore-common/src/main/thrift/hive_metastore.thrift of
// apache/hive), as far as they are needed.

const (
	badMeta    = "MetaException"
	noObject   = "NoSuchObjectException"
	noDatabase = "UnknownDBException"
	badRequest = "InvalidOperationException"
)

// place is a database of a catalog. The catalog is "" where the Metastore has none.
type place struct{ catalog, database string }

// whole is the name by which a Metastore with catalogs takes a database.
func (p place) whole() string {
	if p.catalog == "" {
		return p.database
	}
	return "@" + p.catalog + "#" + p.database
}

// database is what the Metastore says of one.
type database struct {
	name, comment, location, owner string
	ownerKind                      int64
	words                          map[string]string
}

type column struct{ name, kind, comment string }

// table is what the Metastore says of one.
type table struct {
	name, owner, kind  string
	ownerKind          int64
	created            int64
	location           string
	input, serde, path string
	columns, keys      []column
	buckets            []string
	words              map[string]string
	original, expanded string
	uses               []string // of a materialized view
	number             int64
}

func clean(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }

// catalogs lists those of the Metastore; one of before Hive 3 knows none.
func (s *session) catalogs(ctx context.Context) ([]string, error) {
	var names []string
	err := s.ask(ctx, request{method: "get_catalogs", errors: []string{badMeta}, read: func(r *reader, kind thrift.TType) {
		r.within(kind, func(id int16, kind thrift.TType) {
			if id != 1 {
				r.skip(kind)
				return
			}
			names = r.texts(kind)
		})
	}})
	if refused(err, unknown) {
		return []string{""}, nil
	}
	return names, err
}

func (s *session) list(ctx context.Context, method, argument string) ([]string, error) {
	var names []string
	q := request{method: method, errors: []string{badMeta}, read: func(r *reader, kind thrift.TType) { names = r.texts(kind) }}
	if argument != "" {
		q.write = func(w *writer) { w.text(1, argument) }
	}
	err := s.ask(ctx, q)
	return names, err
}

func (s *session) databaseNames(ctx context.Context, catalog string) ([]string, error) {
	if catalog == "" {
		return s.list(ctx, "get_all_databases", "")
	}
	return s.list(ctx, "get_databases", place{catalog: catalog}.whole())
}

func (s *session) tableNames(ctx context.Context, p place) ([]string, error) {
	return s.list(ctx, "get_all_tables", p.whole())
}

func (s *session) database(ctx context.Context, p place) (database, error) {
	d := database{}
	err := s.ask(ctx, request{
		method: "get_database", errors: []string{noObject, badMeta}, write: func(w *writer) { w.text(1, p.whole()) },
		read: func(r *reader, kind thrift.TType) {
			r.within(kind, func(id int16, kind thrift.TType) {
				switch id {
				case 1:
					d.name = clean(r.text(kind))
				case 2:
					d.comment = clean(r.text(kind))
				case 3:
					d.location = clean(r.text(kind))
				case 4:
					d.words = r.words(kind)
				case 6:
					d.owner = clean(r.text(kind))
				case 7:
					d.ownerKind = r.number(kind)
				default:
					r.skip(kind)
				}
			})
		},
	})
	return d, err
}

// capabilities are what a reader says that it understands: without them a
// Metastore keeps tables back, or shows them otherwise than they are.
func capabilities() []string {
	return []string{"EXTREAD", "HIVEBUCKET2", "HIVEFULLACIDREAD", "HIVEMANAGEDINSERTREAD", "HIVEMQT", "HIVESQL", "CONNECTORREAD"}
}

const insertOnly = 2 // of ClientCapability

// tables asks for the tables with the names. One that is gone is left out.
func (s *session) tables(ctx context.Context, p place, names []string) ([]table, error) {
	var all []table
	err := s.ask(ctx, request{
		method: "get_table_objects_by_name_req", errors: []string{badMeta, badRequest, noDatabase},
		write: func(w *writer) {
			w.within(1, func(w *writer) {
				w.text(1, p.database)
				w.texts(2, names)
				w.within(3, func(w *writer) { w.numbers(1, insertOnly) })
				if p.catalog != "" {
					w.text(4, p.catalog)
				}
				w.texts(5, capabilities())
				w.text(6, "souk")
			})
		},
		read: func(r *reader, kind thrift.TType) {
			all = nil // a connection that broke may have brought some
			r.within(kind, func(id int16, kind thrift.TType) {
				if id != 1 {
					r.skip(kind)
					return
				}
				r.items(kind, func(kind thrift.TType) { all = append(all, r.table(kind)) })
			})
		},
	})
	return all, err
}

func (r *reader) table(kind thrift.TType) table {
	t := table{}
	r.within(kind, func(id int16, kind thrift.TType) {
		switch id {
		case 1:
			t.name = r.text(kind)
		case 3:
			t.owner = clean(r.text(kind))
		case 4:
			t.created = r.number(kind)
		case 7:
			r.storage(&t, kind)
		case 8:
			t.keys = r.columns(kind)
		case 9:
			t.words = r.words(kind)
		case 10:
			t.original = clean(r.text(kind))
		case 11:
			t.expanded = clean(r.text(kind))
		case 12:
			t.kind = clean(r.text(kind))
		case 16:
			r.within(kind, func(id int16, kind thrift.TType) {
				if id != 4 {
					r.skip(kind)
					return
				}
				t.uses = r.texts(kind)
			})
		case 18:
			t.ownerKind = r.number(kind)
		case 25:
			t.number = r.number(kind)
		default:
			r.skip(kind)
		}
	})
	return t
}

// storage reads where and how the data lies.
func (r *reader) storage(t *table, kind thrift.TType) {
	r.within(kind, func(id int16, kind thrift.TType) {
		switch id {
		case 1:
			t.columns = r.columns(kind)
		case 2:
			t.location = clean(r.text(kind))
		case 3:
			t.input = clean(r.text(kind))
		case 7:
			r.within(kind, func(id int16, kind thrift.TType) {
				switch id {
				case 2:
					t.serde = clean(r.text(kind))
				case 3:
					t.path = r.words(kind)["path"]
				default:
					r.skip(kind)
				}
			})
		case 8:
			t.buckets = r.texts(kind)
		default:
			r.skip(kind)
		}
	})
}

func (r *reader) columns(kind thrift.TType) []column {
	var all []column
	r.items(kind, func(kind thrift.TType) {
		c := column{}
		r.within(kind, func(id int16, kind thrift.TType) {
			switch id {
			case 1:
				c.name = clean(r.text(kind))
			case 2:
				c.kind = clean(r.text(kind))
			case 3:
				c.comment = clean(r.text(kind))
			default:
				r.skip(kind)
			}
		})
		all = append(all, c)
	})
	return all
}

// partitions counts those of a table.
func (s *session) partitions(ctx context.Context, p place, name string) (int64, error) {
	var n int64
	err := s.ask(ctx, request{
		method: "get_num_partitions_by_filter", errors: []string{badMeta, noObject},
		write: func(w *writer) {
			w.text(1, p.whole())
			w.text(2, name)
			w.text(3, "")
		},
		read: func(r *reader, kind thrift.TType) { n = r.number(kind) },
	})
	return n, err
}
