// Package postgres harvests the catalogue of one PostgreSQL database: schemas,
// tables, views, columns, keys, constraints, indexes and the lineage of views. It reads pg_catalog and
// nothing else: never a row of a user's table, and a harvest can write nothing. With
// a credential of its own it gives roles the right to read, and takes it away.
package postgres

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/souk-mesh/souk/sdk"
)

//go:embed README.md
var doc string

// Plugin is the PostgreSQL harvester.
func Plugin() sdk.Plugin[Config] {
	return sdk.Plugin[Config]{
		Info: sdk.Info{
			Name: "postgres", Version: "1.0.0", Doc: doc,
			Summary: "Tables, views, columns, keys and view lineage of a PostgreSQL database.",
			Emits:   []string{"asset", "edge"}, Offers: []string{sdk.OffersGrants},
		},
		Open: open,
		Judge: func(c Config) error {
			_, err := c.parse(nil)
			return err
		},
	}
}

type source struct {
	*parsed
	log *slog.Logger
}

func open(_ context.Context, c Config, env sdk.Env) (sdk.Source, error) {
	p, err := c.parse(&env.Files)
	if err != nil {
		return nil, err
	}
	return &source{parsed: p, log: env.Log}, nil
}

// Close has nothing to close: each call has its own connection.
func (s *source) Close() error { return nil }

func (s *source) connect(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, s.pgx)
	if err != nil {
		return nil, s.explain(err)
	}
	return conn, nil
}

func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}

// Check tries what a harvest does.
func (s *source) Check(ctx context.Context, r *sdk.Report) error {
	conn, err := s.connect(ctx)
	if err != nil {
		return r.Tried("connect", err)
	}
	defer closeConn(conn)
	r.OK("connect")
	l, err := s.list(ctx, conn)
	if err != nil {
		r.Failed("read_catalog", "the catalogue cannot be read: "+s.explain(err).Error(), "look into the log of the server")
		return nil
	}
	r.OK("read_catalog")
	s.checkSchemas(l, r)
	return s.checkGrants(ctx, r)
}

func (s *source) checkSchemas(l *listing, r *sdk.Report) {
	closed := false
	for _, sc := range l.schemas {
		if !sc.Usable {
			closed = true
			r.Failed("list_schemas", "the role has no USAGE on the schema "+quote(sc.Name), s.grantUsage(sc.Name))
		}
	}
	for _, name := range missing(s.include, l.schemas) {
		closed = true
		r.Failed("list_schemas", "there is no schema "+quote(name), "take it out of includeSchemas, or create it")
	}
	if !closed {
		r.OK("list_schemas")
	}
}

func missing(include []string, found []schema) []string {
	there := map[string]bool{}
	for _, sc := range found {
		there[sc.Name] = true
	}
	var names []string
	for _, name := range include {
		if !there[name] {
			names = append(names, name)
		}
	}
	return names
}

// longest is how long a server may take for its whole catalogue; a query of it
// ends after two minutes.
const longest = 10 * time.Minute

func (s *source) grantUsage(schema string) string {
	return fmt.Sprintf("GRANT USAGE ON SCHEMA %s TO %s;", quote(schema), quote(s.pgx.User))
}

// scope is the database, or the schema where the configuration leaves schemas
// out: what is left out has not been looked at, and is not gone for that.
func (s *source) scope(schema string) string {
	if len(s.include)+len(s.exclude) == 0 {
		return "database:" + s.database
	}
	return "schema:" + sdk.JoinName(s.database, schema)
}

// Harvest emits the database under one scope, or each schema under its own.
// pg_catalog shows tables even of schemas that the role may not use, but a lost
// right is a reason to doubt the listing: then the scope is not done, and
// nothing of it is retired.
func (s *source) Harvest(ctx context.Context, _ sdk.Request, out sdk.Sink) error {
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer closeConn(conn)
	var l *listing
	err = sdk.Waiting(out, "reading the catalogue", longest, func() error {
		l, err = s.list(ctx, conn)
		return err
	})
	if err != nil {
		return s.explain(err)
	}
	if err := noteNameless(l, out); err != nil {
		return err
	}
	open, err := s.noteClosed(l, out)
	if err != nil {
		return err
	}
	if err := s.emitContainers(l, out); err != nil {
		return err
	}
	if err := s.emitAssets(ctx, l, out); err != nil {
		return err
	}
	if err := s.emitEdges(ctx, l, out); err != nil {
		return err
	}
	if err := s.emitParts(l, out); err != nil {
		return err
	}
	return s.endScopes(l, open, out)
}

// endScopes ends each scope that was listed without a doubt.
func (s *source) endScopes(l *listing, open map[string]bool, out sdk.Sink) error {
	scopes := []string{s.scope("")}
	if len(s.include)+len(s.exclude) > 0 {
		scopes = nil
	}
	for _, sc := range l.schemas {
		if scope := s.scope(sc.Name); !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	for _, scope := range scopes {
		if open[scope] {
			continue
		}
		if err := out.ScopeDone(scope); err != nil {
			return err
		}
	}
	return nil
}

// noteClosed notes what cannot be listed, and gives the scopes that stay open for it.
func (s *source) noteClosed(l *listing, out sdk.Sink) (open map[string]bool, err error) {
	open = map[string]bool{}
	for _, sc := range l.schemas {
		if sc.Usable {
			continue
		}
		open[s.scope(sc.Name)] = true
		err := out.Note(sdk.Note{
			Level: sdk.ErrorLevel, Code: "postgres.no_usage", Scope: s.scope(sc.Name), Sample: s.grantUsage(sc.Name),
			Title: "The role has no USAGE on a schema; nothing of its scope is retired until it has.",
		})
		if err != nil {
			return nil, err
		}
	}
	for _, name := range missing(s.include, l.schemas) {
		note := sdk.Note{
			Level: sdk.ErrorLevel, Code: "postgres.no_schema", Scope: s.scope(name), Sample: name,
			Title: "A schema to include does not exist: correct its name, capital letters count, or take it out of includeSchemas.",
		}
		if err := out.Note(note); err != nil {
			return nil, err
		}
	}
	return open, nil
}

// noteNameless tells what is left out because nobody can say what it is called.
func noteNameless(l *listing, out sdk.Sink) error {
	for _, name := range l.nameless {
		err := out.Note(sdk.Note{
			Level: sdk.WarnLevel, Code: "postgres.no_utf8", Sample: name,
			Title: "A name cannot be converted from the encoding of the database to UTF-8: what bears it is left out. Rename it.",
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *source) emitAssets(ctx context.Context, l *listing, out sdk.Sink) error {
	parts, plain, names := partitionsOf(l.relations), s.plainNames(l), s.partitionNames(l)
	for i, r := range l.relations {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !r.Listed || !r.Named || s.standsFor(l, r).OID != r.OID {
			continue
		}
		a := s.asset(r, l, parts[r.OID])
		if name := s.plain(r); name != "" && plain[name] {
			a.Aliases = append(a.Aliases, s.alias(name))
		}
		a.Aliases = append(a.Aliases, names[r.OID]...)
		if err := out.Emit(a); err != nil {
			return err
		}
		if err := out.Progress(int64(i+1), int64(len(l.relations)), "relations"); err != nil {
			return err
		}
	}
	return nil
}

func (s *source) id(schema, name string) sdk.NativeID {
	return sdk.NativeID{Namespace: s.namespace, Name: sdk.JoinName(s.database, schema, name)}
}

// plainNames are those that relations had before parts were quoted, where one
// relation alone had them: what is known by such a name stays known by it.
func (s *source) plainNames(l *listing) map[string]bool {
	owners := map[string]int{}
	for _, r := range l.relations {
		if !r.Named {
			continue
		}
		owners[s.plain(r)]++
		owners[s.id(r.Schema, r.Name).Name]++
	}
	plain := map[string]bool{}
	for name, n := range owners {
		plain[name] = n == 1
	}
	return plain
}

func (s *source) plain(r relation) string { return sdk.PlainName(s.database, r.Schema, r.Name) }

func (s *source) asset(r relation, l *listing, parts leaves) *sdk.Asset {
	a := &sdk.Asset{
		ID: s.id(r.Schema, r.Name), Scope: s.scope(r.Schema), Kind: kindOf(r.Kind), Rank: sdk.Holder, ShortName: r.Name,
		Description: r.Comment, OwnerRoles: []string{r.Owner}, Properties: map[string]string{"schema": r.Schema},
	}
	if remark := l.remarks[r.Schema]; remark != "" {
		a.Properties["schema_description"] = remark
	}
	tuples := r.Tuples
	if r.Kind == "p" {
		a.Properties["partitions"] = strconv.Itoa(parts.count)
		a.Properties["partition_key"] = r.PartitionKey
		tuples = parts.rows
	}
	if up, known := l.byOID[r.Parent]; r.Partition && known && up.Named {
		a.Properties["partition_of"] = s.id(up.Schema, up.Name).Name
	}
	if r.Server != "" {
		a.Properties["foreign_server"] = r.Server
	}
	if r.Kind != "v" && tuples >= 0 && tuples < math.MaxInt64 {
		n := int64(tuples)
		a.Rows = &n
	}
	for i, c := range l.columns[r.OID] {
		a.Fields = append(a.Fields, fieldOf(c, i+1))
		a.Fields[i].Values = l.more.values[c.TypeOID]
	}
	for _, k := range l.keys[r.OID] {
		a.ForeignKeys = append(a.ForeignKeys, sdk.ForeignKey{
			Name: k.Name, Fields: k.Fields, ToName: s.named(l, k.OID, k.Schema, k.Target).Name, ToFields: k.Targets,
		})
	}
	s.describe(a, r, l, parts)
	return a
}

func kindOf(relkind string) string {
	switch relkind {
	case "v":
		return "VIEW"
	case "m":
		return "MATERIALIZED_VIEW"
	default:
		return "TABLE"
	}
}

func fieldOf(c column, position int) sdk.Field {
	f := sdk.Field{
		Name: c.Name, Position: position, NativeType: c.Type, Nullable: c.Nullable,
		Description: c.Comment, PrimaryKey: c.Key, Default: c.Default,
	}
	switch {
	case c.Identity != "":
		f.Default = map[string]string{"a": "generated always as identity", "d": "generated by default as identity"}[c.Identity]
	case c.Generated != "":
		f.Default = "generated always as (" + cmp.Or(c.Default, "?") + ")" + map[string]string{"v": " virtual"}[c.Generated]
	}
	return f
}

// named is the name under which a relation is harvested: of a partition that is
// counted on its table, the table's.
func (s *source) named(l *listing, oid uint32, schema, name string) sdk.NativeID {
	if r, known := l.byOID[oid]; known {
		if top := s.standsFor(l, r); top.Named {
			return s.id(top.Schema, top.Name)
		}
	}
	return s.id(schema, name)
}

// emitEdges emits the lineage of views, with the columns as far as they are
// known. A folded partition stands for its table.
func (s *source) emitEdges(ctx context.Context, l *listing, out sdk.Sink) error {
	var edges []*sdk.Edge
	byEnds := map[[2]sdk.NativeID]*sdk.Edge{}
	for _, v := range l.views {
		ends := [2]sdk.NativeID{s.named(l, v.From, v.FromSchema, v.FromName), s.id(v.ToSchema, v.ToName)}
		edge := byEnds[ends]
		if edge == nil {
			edge = &sdk.Edge{From: ends[0], To: ends[1], Scope: s.scope(v.ToSchema), Kind: "DERIVES", Method: "pg_depend", Confidence: 1}
			byEnds[ends], edges = edge, append(edges, edge)
		}
		for _, f := range l.more.flows[[2]uint32{v.From, v.To}] {
			if !slices.Contains(edge.Fields, f) {
				edge.Fields = append(edge.Fields, f)
			}
		}
	}
	for _, edge := range edges {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := out.Emit(edge); err != nil {
			return err
		}
	}
	return nil
}
