package hive

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/dataset"
	"github.com/souk-mesh/souk/sdk"
)

// harvest is one run.
type harvest struct {
	*source
	out      sdk.Sink
	open     map[string]bool       // scopes that cannot be done
	located  map[sdk.NativeID]bool // places that a table has the name of
	referred map[sdk.NativeID]bool // places that are referred to
	known    map[sdk.NativeID]bool // tables
	views    []view
	old      bool // constraints are asked for one by one
	failures int  // tables in a row that are not described
	count    int64
}

func (s *source) newHarvest(out sdk.Sink) *harvest {
	return &harvest{
		source: s, out: out, open: map[string]bool{}, located: map[sdk.NativeID]bool{}, referred: map[sdk.NativeID]bool{}, known: map[sdk.NativeID]bool{},
	}
}

// standard is the catalog whose databases have names of their own.
const standard = "hive"

// id is the name of a database or a table, as OpenLineage has it. A database of
// another catalog than the standard one is named as the Metastore itself does.
func (h *harvest) id(p place, table string) sdk.NativeID {
	database := clean(p.database)
	if p.catalog != "" && p.catalog != standard {
		database = clean(p.whole())
	}
	return sdk.NativeID{Namespace: h.Namespace, Name: sdk.JoinName(database, clean(table))}
}

// scope is the Metastore's where all of it is wanted, so that a database that is
// gone is seen to be gone. Otherwise a database is a scope.
func (h *harvest) scope(p place) string {
	if h.All() && len(h.Catalogs) == 0 {
		return "metastore"
	}
	return "database:" + h.id(p, "").Name
}

// databases lists those that are wanted.
func (h *harvest) databases(ctx context.Context) ([]place, error) {
	catalogs, err := h.session.catalogs(ctx)
	if err != nil {
		return nil, h.told(err)
	}
	slices.Sort(catalogs)
	var all []place
	for _, c := range catalogs {
		if len(h.Catalogs) > 0 && !slices.ContainsFunc(h.Catalogs, func(p string) bool { ok, err := path.Match(p, cmp.Or(c, standard)); return err == nil && ok }) {
			continue
		}
		names, err := h.session.databaseNames(ctx, c)
		if err != nil {
			return nil, h.told(err)
		}
		slices.Sort(names)
		for _, name := range names {
			if name != "" && h.Takes(name) {
				all = append(all, place{c, name})
			}
		}
	}
	if len(all) == 0 && (!h.All() || len(h.Catalogs) > 0) {
		return nil, sdk.Config("databases", "fit no database that may be seen", "name databases and catalogs as the Metastore shows them")
	}
	return all, nil
}

// told gives an error of the Metastore its class.
func (h *harvest) told(err error) error {
	no, is := asRefusal(err)
	if !is {
		return err
	}
	class, fix := sdk.ClassUnavailable, "look into the log of the Metastore"
	for _, word := range []string{"permission", "denied", "not authorized", "not allowed", "AccessControlException"} {
		if strings.Contains(strings.ToLower(no.message), strings.ToLower(word)) {
			class, fix = sdk.ClassDenied, "give the user the right to read metadata"
		}
	}
	return &sdk.Error{Class: class, Code: "hive.refused", Message: "the Metastore answers " + no.Error(), Fix: fix, Err: err}
}

// Harvest emits the databases with their tables, and what views are made of.
func (s *source) Harvest(ctx context.Context, _ sdk.Request, out sdk.Sink) error {
	h := s.newHarvest(out)
	databases, err := h.databases(ctx)
	if err != nil {
		return err
	}
	for _, p := range databases {
		if err := h.database(ctx, p); err != nil {
			return err
		}
	}
	if err := h.viewEdges(); err != nil {
		return err
	}
	done := map[string]bool{}
	for _, p := range databases {
		if scope := h.scope(p); !done[scope] && !h.open[scope] {
			done[scope] = true
			if err := out.ScopeDone(scope); err != nil {
				return err
			}
		}
	}
	return nil
}

// database emits a database with its tables. One that may not be read, or is gone
// since it was listed, is noted, and the others go on.
func (h *harvest) database(ctx context.Context, p place) error {
	d, err := h.session.database(ctx, p)
	if err != nil {
		return h.unread(p, err)
	}
	a := &sdk.Asset{
		ID: h.id(p, ""), Scope: h.scope(p), Kind: "DATABASE", Rank: sdk.Holder, ShortName: clean(p.database), Description: d.comment,
		OwnerRoles: owner(d.owner, d.ownerKind), Properties: sdk.Properties("location", d.location, "catalog", p.catalog),
	}
	words(a.Properties, d.words)
	if err := h.emit(a); err != nil {
		return err
	}
	names, err := h.session.tableNames(ctx, p)
	if err != nil {
		return h.unread(p, err)
	}
	slices.Sort(names)
	for page := range slices.Chunk(slices.Compact(names), h.PageSize) {
		if err := h.page(ctx, p, page); err != nil {
			if _, is := asRefusal(err); !is {
				return err
			}
			return h.unread(p, err)
		}
	}
	return nil
}

// page reads tables. Where one of them breaks the answer or makes it too large,
// fewer are asked for, until it is found.
func (h *harvest) page(ctx context.Context, p place, names []string) error {
	tables, err := h.session.tables(ctx, p, names)
	e, ours := asError(err)
	_, is := asRefusal(err)
	switch {
	case is && !refused(err, noDatabase) || ours && e.Code == "hive.too_much":
		if len(names) == 1 {
			return h.undescribed(p, names[0], err)
		}
		for _, half := range [][]string{names[:len(names)/2], names[len(names)/2:]} {
			if err := h.page(ctx, p, half); err != nil {
				return err
			}
		}
		return nil
	case err != nil:
		return err
	}
	if len(tables) > 0 {
		h.failures = 0
	}
	slices.SortFunc(tables, func(a, b table) int { return cmp.Compare(a.name, b.name) })
	for _, t := range tables {
		if t.name == "" {
			continue
		}
		if err := h.table(ctx, p, t); err != nil {
			return err
		}
	}
	return nil
}

// unread notes a database that cannot be read.
func (h *harvest) unread(p place, err error) error {
	if _, is := asRefusal(err); !is {
		return err
	}
	code, title := "hive.unread", "A database cannot be read. Nothing of its scope is retired."
	if refused(err, noObject, noDatabase) {
		code, title = "hive.gone", "A database is gone since it was listed. Nothing of its scope is retired in this run."
	}
	h.open[h.scope(p)] = true
	return h.out.Note(sdk.Note{Level: sdk.ErrorLevel, Code: code, Title: title, Sample: h.id(p, "").Name + ": " + err.Error(), Scope: h.scope(p)})
}

// failing is how many tables in a row may not be described before it is the
// Metastore that is out of order.
const failing = 5

// undescribed notes a table that is there and cannot be read.
func (h *harvest) undescribed(p place, name string, err error) error {
	if h.failures++; h.failures >= failing {
		return err
	}
	id := h.id(p, name)
	h.known[id] = true
	return h.out.Note(sdk.Note{
		Level: sdk.ErrorLevel, Code: "hive.undescribed", Title: "A table is listed, and the Metastore does not describe it. What is known of it stays.",
		Sample: fmt.Sprintf("%s: %v", id.Name, err), Scope: h.scope(p), Asset: id,
	})
}

// emit counts what is emitted, as a sign of life.
func (h *harvest) emit(a *sdk.Asset) error {
	if err := h.out.Emit(a); err != nil {
		return err
	}
	if h.count++; h.count%100 == 0 {
		return h.out.Progress(h.count, 0, "tables")
	}
	return nil
}

// refer emits the name of what another system holds, once.
func (h *harvest) refer(d dataset.Dataset, scope string) error {
	if h.referred[d.ID] || h.located[d.ID] {
		return nil
	}
	h.referred[d.ID] = true
	return h.out.Emit(&sdk.Asset{ID: d.ID, Scope: scope, Kind: d.Kind, Rank: sdk.Reference, Reference: true, ShortName: d.Short()})
}

func (h *harvest) derives(from, to sdk.NativeID, scope, method string, confidence float64) error {
	if from == to {
		return nil
	}
	return h.out.Emit(&sdk.Edge{From: from, To: to, Scope: scope, Kind: "DERIVES", Method: method, Confidence: confidence})
}
