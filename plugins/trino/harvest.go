package trino

import (
	"context"
	"fmt"
	"time"

	"github.com/souk-mesh/souk/sdk"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// harvest is one run.
type harvest struct {
	*conversation
	out  sdk.Sink
	done int64 // tables

	storage map[place]place           // of materialized views
	shown   map[sdk.NativeID]*catalog // tables of other systems, with the catalog that showed them
	views   map[place]*table
	columns map[place][]string
	held    int // names of columns, of all tables
}

// Harvest goes through the catalogs, each a scope of its own: one whose system
// is out of reach is noted, and the others go on. What views are made of comes when
// the tables of all catalogs are known.
func (s *source) Harvest(ctx context.Context, _ sdk.Request, out sdk.Sink) error {
	h := &harvest{conversation: &conversation{source: s}, out: out, shown: map[sdk.NativeID]*catalog{}, views: map[place]*table{}, columns: map[place][]string{}}
	h.alive = func() error { return h.out.Progress(h.done, 0, "tables") }
	catalogs, err := h.catalogs(ctx)
	if err != nil {
		return err
	}
	if err := h.emitCatalogs(catalogs); err != nil {
		return err
	}
	if err := h.findKept(ctx); err != nil {
		return err
	}
	views := map[string][]*table{}
	for _, c := range catalogs {
		found, err := h.catalog(ctx, c)
		if e, ours := told(err); ours {
			err = out.Note(sdk.Note{
				Level: sdk.ErrorLevel, Code: "trino.catalog", Scope: scope(c), Sample: c.name + ": " + e.Message,
				Title: "A catalog cannot be listed; nothing of it is retired until it can.",
			})
		} else if err == nil {
			views[c.name] = found
		}
		if err != nil {
			return err
		}
	}
	return h.finish(ctx, catalogs, views)
}

// finish emits what the views of the catalogs are made of that were listed.
func (h *harvest) finish(ctx context.Context, catalogs []catalog, views map[string][]*table) error {
	for _, c := range catalogs {
		found, listed := views[c.name]
		if !listed {
			continue
		}
		if err := h.emitLineage(ctx, c, found); err != nil {
			return err
		}
		if err := h.out.ScopeDone(scope(c)); err != nil {
			return err
		}
	}
	return nil
}

func scope(c catalog) string { return "catalog:" + c.name }

// emitCatalogs emits the catalogs themselves, under the scope of the cluster
// where none is left out.
func (h *harvest) emitCatalogs(catalogs []catalog) error {
	for _, name := range h.absent(catalogs) {
		err := h.out.Note(sdk.Note{
			Level: sdk.ErrorLevel, Code: "trino.no_catalog", Scope: "catalog:" + name, Sample: name,
			Title: "A catalog to include does not exist, or the user may not see it: correct its name, or take it out of includeCatalogs.",
		})
		if err != nil {
			return err
		}
	}
	whole := len(h.Include)+len(h.Exclude) == 0
	for _, c := range catalogs {
		a := &sdk.Asset{ID: h.own(c.name), Scope: scope(c), Kind: "DATABASE", Rank: sdk.Holder, ShortName: c.name, Properties: map[string]string{}}
		if whole {
			a.Scope = "server"
		}
		if c.connector != "" {
			a.Properties["connector"] = c.connector
		}
		if err := h.out.Emit(a); err != nil {
			return err
		}
	}
	if !whole {
		return nil
	}
	return h.out.ScopeDone("server")
}

// catalog emits all of one catalog but what its views are made of, and gives these.
// All but the columns is listed first, so that a catalog that cannot be listed shows
// nothing.
func (h *harvest) catalog(ctx context.Context, c catalog) (views []*table, err error) {
	schemas, err := h.schemas(ctx, c)
	if err != nil {
		return nil, err
	}
	listed, err := h.tables(ctx, c)
	if err != nil {
		return nil, err
	}
	byName := map[name]*table{}
	for _, t := range listed {
		byName[t.name] = t
	}
	if err := h.describe(ctx, c, byName); err != nil {
		return nil, err
	}
	tables := sorted(byName)
	if err := h.emitSchemas(c, schemas); err != nil {
		return nil, err
	}
	if err := h.emitTables(ctx, c, byName); err != nil {
		return nil, err
	}
	for _, t := range tables {
		if t.kind != "TABLE" {
			views = append(views, t)
			h.views[place{c.name, t.name}] = t
		}
		if byName[t.name] == nil {
			continue
		}
		if err := h.noteBare(c, t); err != nil { // those that are left were not described
			return nil, err
		}
	}
	return views, nil
}

func (h *harvest) emitSchemas(c catalog, schemas []string) error {
	parent := h.own(c.name)
	for _, schema := range schemas {
		if err := h.out.Emit(&sdk.Asset{ID: h.own(c.name, schema), Scope: scope(c), Kind: "SCHEMA", Rank: sdk.Holder, ShortName: schema, Parent: &parent}); err != nil {
			return err
		}
	}
	return nil
}

// emitTables emits each table when its columns have come, and takes it out of
// what is left.
func (h *harvest) emitTables(ctx context.Context, c catalog, left map[name]*table) error {
	var at name
	var columns []row
	flush := func() error {
		t := left[at]
		if t == nil || t.kind == "VIEW" && !t.told { // it was made after the tables were listed, or could not be read
			return nil
		}
		delete(left, at)
		h.remember(c, t, columns)
		if twice, err := h.twice(c, t); twice || err != nil {
			return err
		}
		h.done++
		if err := h.out.Emit(h.asset(c, t, columns)); err != nil {
			return err
		}
		return h.noteWide(c, t, len(columns))
	}
	for r, err := range h.rows(ctx, columnsOf(c)) {
		if err != nil {
			return err
		}
		if of := (name{r.text(0), r.text(1)}); of != at {
			if err := flush(); err != nil {
				return err
			}
			at, columns = of, nil
		}
		columns = append(columns, r)
	}
	return flush()
}

// twice reports a table of another system that a catalog before has shown: two
// catalogs over one metastore do.
func (h *harvest) twice(c catalog, t *table) (bool, error) {
	id := h.id(c, t.name)
	if id.Namespace == h.Namespace {
		return false, nil
	}
	first, is := h.shown[id]
	if !is {
		h.shown[id] = &c
		return false, nil
	}
	return true, h.out.Note(sdk.Note{
		Level: sdk.InfoLevel, Code: "trino.same_table", Sample: id.Name + " in " + first.name + " and " + c.name,
		Title: "Two catalogs show one table of another system; it is described as the first of them does.",
	})
}

func (h *harvest) asset(c catalog, t *table, columns []row) *sdk.Asset {
	parent := h.own(c.name, t.schema)
	a := &sdk.Asset{
		ID: h.id(c, t.name), Scope: scope(c), Kind: t.kind, Rank: sdk.Holder, ShortName: t.table, Parent: &parent, Description: t.comment,
		Properties: map[string]string{"catalog": c.name, "schema": t.schema},
	}
	if own := h.own(c.name, t.schema, t.table); own != a.ID {
		// The system itself knows the table better, and OpenLineage events of
		// Trino name it in Trino's own way.
		a.Rank = sdk.Reference
		a.Aliases = []sdk.Alias{{Scheme: "openlineage", Namespace: own.Namespace, Name: own.Name}}
	}
	if c.connector != "" {
		a.Properties["connector"] = c.connector
	}
	if t.sql != "" {
		a.Definition, a.DefinitionLanguage = t.sql, "sql"
	}
	if at, err := time.Parse("2006-01-02 15:04:05.999 MST", t.fresh); err == nil {
		at = at.UTC()
		a.ChangedAt = &at
	}
	for i, r := range columns[:min(len(columns), harvestv1.MaxFields)] {
		a.Fields = append(a.Fields, sdk.Field{
			Name: r.text(2), Position: i + 1, NativeType: r.text(3), Nullable: r.text(4) != "NO", Default: r.text(5), Description: r.text(6),
		})
	}
	return a
}

func (h *harvest) noteWide(c catalog, t *table, columns int) error {
	if columns <= harvestv1.MaxFields {
		return nil
	}
	return h.out.Note(sdk.Note{
		Level: sdk.WarnLevel, Code: "trino.many_columns", Sample: h.id(c, t.name).Name,
		Title: fmt.Sprintf("A table has more than %d columns, and the others are left out.", harvestv1.MaxFields),
	})
}

// noteBare notes a table that is there and of which Trino shows no column, or a
// view whose SQL it does not show. It says nothing of what it could not read.
func (h *harvest) noteBare(c catalog, t *table) error {
	id := h.id(c, t.name)
	return h.out.Note(sdk.Note{
		Level: sdk.ErrorLevel, Code: "trino.undescribed", Scope: scope(c), Sample: h.own(c.name, t.schema, t.table).Name, Asset: id,
		Title: "Trino does not describe a table or view that is there: it has no column of a type that Trino knows, its name has capital letters that the catalog does not match, or it cannot be read. What is known of it stays.",
	})
}
