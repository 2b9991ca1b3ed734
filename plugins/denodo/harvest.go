package denodo

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/souk-mesh/souk/sdk"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// harvest is one run.
type harvest struct {
	*conversation
	out     sdk.Sink
	open    map[string]bool       // scopes that cannot be done
	leads   map[name]place        // of data sources
	done    int64                 // views
	folders map[sdk.NativeID]bool // that were emitted
}

// Harvest goes through the databases, each a scope of its own: one that cannot
// be read is noted, and the others go on.
func (s *source) Harvest(ctx context.Context, _ sdk.Request, out sdk.Sink) error {
	c, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer c.close()
	h := &harvest{conversation: c, out: out, open: map[string]bool{}, leads: map[name]place{}, folders: map[sdk.NativeID]bool{}}
	c.alive = func() error { return out.Progress(h.done, 0, "views") }
	databases, err := h.databases(ctx)
	if err != nil {
		return err
	}
	rights, err := h.rights(ctx)
	if err != nil {
		return err
	}
	procedures, err := h.procedures(ctx)
	if err != nil {
		return err
	}
	if err := h.emitDatabases(databases, rights); err != nil {
		return err
	}
	for _, d := range databases {
		err := h.database(ctx, d, procedures)
		if e, ours := told(err); ours {
			err = h.shut(d.name, sdk.Note{
				Code: "denodo.database", Sample: d.name + ": " + e.Message,
				Title: "A database cannot be read; nothing of it is retired until it can.",
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func scope(database string) string { return "database:" + database }

// shut notes why the scope of a database cannot be done.
func (h *harvest) shut(database string, n sdk.Note) error {
	n.Level, n.Scope = sdk.ErrorLevel, scope(database)
	h.open[n.Scope] = true
	return h.out.Note(n)
}

// emitDatabases emits the databases themselves, under the scope of the server
// where none is left out, and notes what makes one doubtful.
func (h *harvest) emitDatabases(databases []database, rights rights) error {
	for _, missing := range h.absent(databases) {
		err := h.shut(missing, sdk.Note{
			Code: "denodo.no_database", Sample: missing,
			Title: "A database to include does not exist, or the user may not connect to it: correct its name, take it out of includeDatabases, or grant CONNECT on it.",
		})
		if err != nil {
			return err
		}
	}
	whole := len(h.Include)+len(h.Exclude) == 0 && rights.all
	for _, d := range databases {
		if !rights.cover(d.name) {
			err := h.shut(d.name, sdk.Note{
				Code: "denodo.no_metadata", Sample: h.grant(d.name),
				Title: "The user has no privilege METADATA on the whole of a database, and sees of it only what it has a privilege on; nothing of its scope is retired until it has. Set rights to trust if that is all there shall be.",
			})
			if err != nil {
				return err
			}
		}
		a := &sdk.Asset{ID: h.id(d.name), Scope: scope(d.name), Kind: "DATABASE", Rank: sdk.Holder, ShortName: d.name, Description: d.description}
		if whole {
			a.Scope = "server"
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

func (h *harvest) id(parts ...string) sdk.NativeID {
	return sdk.NativeID{Namespace: h.Namespace, Name: sdk.JoinName(parts...)}
}

func (n name) id(h *harvest) sdk.NativeID { return h.id(n.database, n.element) }

// database emits all of one database.
func (h *harvest) database(ctx context.Context, d database, procedures map[string]bool) error {
	l, err := h.list(ctx, d, procedures)
	if err != nil {
		return err
	}
	for _, folder := range slices.Sorted(maps.Keys(l.folders)) {
		if _, err := h.emitFolder(l, folder); err != nil {
			return err
		}
	}
	for _, v := range l.sorted {
		if err := h.view(ctx, l, v); err != nil {
			return err
		}
		if h.done++; h.done%20 == 0 {
			if err := h.live(); err != nil {
				return err
			}
		}
	}
	if err := h.lineage(ctx, l); err != nil {
		return err
	}
	if h.open[scope(d.name)] {
		return nil
	}
	return h.out.ScopeDone(scope(d.name))
}

// view emits a view, after the folders that hold it.
func (h *harvest) view(ctx context.Context, l *listing, v *view) error {
	if len(v.fields) == 0 {
		return h.out.Note(sdk.Note{
			Level: sdk.ErrorLevel, Code: "denodo.no_columns", Scope: scope(v.database), Sample: v.id(h).Name, Asset: v.id(h),
			Title: "No column of a view is shown: it is not valid any more, or it was made this moment. What is known of it stays.",
		})
	}
	parent, err := h.emitFolder(l, v.folder)
	if err != nil {
		return err
	}
	if err := h.readVQL(ctx, v); err != nil {
		return err
	}
	if err := h.out.Emit(h.asset(v, parent)); err != nil {
		return err
	}
	if len(v.fields) <= harvestv1.MaxFields {
		return nil
	}
	return h.out.Note(sdk.Note{
		Level: sdk.WarnLevel, Code: "denodo.many_columns", Sample: v.id(h).Name,
		Title: fmt.Sprintf("A view has more than %d columns, and the others are left out.", harvestv1.MaxFields),
	})
}

// emitFolder emits a folder and those that hold it, each once, and gives what
// holds the elements in it. A folder is named by its path, so that it is never
// taken for a view.
func (h *harvest) emitFolder(l *listing, folder string) (*sdk.NativeID, error) {
	if folder == "" {
		id := h.id(l.of)
		return &id, nil
	}
	id := h.id(l.of, "/"+folder)
	if h.folders[id] {
		return &id, nil
	}
	h.folders[id] = true
	above, base := path.Split(folder)
	parent, err := h.emitFolder(l, strings.Trim(above, "/"))
	if err != nil {
		return nil, err
	}
	told := l.folders[folder]
	return &id, h.out.Emit(&sdk.Asset{ID: id, Scope: scope(l.of), Kind: "FOLDER", Rank: sdk.Holder, ShortName: cmp.Or(told.name, base), Description: told.description, Parent: parent})
}

func (h *harvest) asset(v *view, parent *sdk.NativeID) *sdk.Asset {
	a := &sdk.Asset{
		ID: v.id(h), Scope: scope(v.database), Kind: "VIEW", Rank: sdk.Holder, ShortName: v.element, Parent: parent, Description: v.description, Tags: slices.Compact(v.tags),
		Fields: v.fields[:min(len(v.fields), harvestv1.MaxFields)], ForeignKeys: v.keys, ChangedAt: moment(v.changed), Properties: map[string]string{"database": v.database},
	}
	if v.kind == "materialized" {
		a.Kind = "TABLE"
	}
	if v.owner != "" {
		a.OwnerRoles = []string{v.owner}
	}
	if v.vql != "" {
		a.Definition, a.DefinitionLanguage = v.vql, "vql"
	}
	status := v.status
	if status == "OK" {
		status = ""
	}
	for key, value := range map[string]string{"view_type": v.kind, "source_type": v.source, "cache": v.cache, "status": status} {
		if value != "" {
			a.Properties[key] = value
		}
	}
	return a
}

// moment reads a time as Java and PostgreSQL write it. Without a zone it is
// taken for UTC, which no session is told otherwise.
func moment(text string) *time.Time {
	for _, form := range []string{"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999Z07", "2006-01-02 15:04:05.999999999", time.RFC3339Nano, "2006-01-02"} {
		if at, err := time.Parse(form, text); err == nil {
			at = at.UTC().Truncate(time.Millisecond)
			return &at
		}
	}
	return nil
}

// spoken is the text of a view without the remarks that the server writes above
// it, which change with its version.
func spoken(vql string) string {
	for strings.HasPrefix(vql, "#") || strings.HasPrefix(vql, "\n") {
		_, vql, _ = strings.Cut(vql, "\n")
	}
	return strings.TrimRight(vql, "\n")
}

// readVQL asks for the text of a derived view or an interface.
func (h *harvest) readVQL(ctx context.Context, v *view) error {
	if h.Definitions == "leave" || v.kind != "derived" && v.kind != "interface" {
		return nil
	}
	err := h.each(ctx, "DESC VQL VIEW "+quote(v.database)+"."+quote(v.element)+" ('includeDependencies' = 'no', 'dropElements' = 'no')", func(r row) {
		if len(r.values) > 0 {
			v.vql += spoken(r.values[0])
		}
	})
	if e, ours := told(err); ours {
		return h.out.Note(sdk.Note{
			Level: sdk.ErrorLevel, Code: "denodo.no_vql", Scope: scope(v.database), Sample: v.id(h).Name + ": " + e.Message, Asset: v.id(h),
			Title: "The VQL of a view is not shown: grant the user what is missing, or set definitions to leave. What is known of it stays.",
		})
	}
	return err
}
