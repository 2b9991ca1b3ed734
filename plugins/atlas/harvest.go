package atlas

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/sdk"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
	"github.com/souk-mesh/souk/sdk/web"
)

// atATime is how many entities are asked for in one request: their guids stand
// in its address.
const atATime = 40

// harvest is one run. It keeps the name of every dataset, for the lineage that
// comes after them.
type harvest struct {
	*source
	types   *types
	out     sdk.Sink
	names   map[string]named // by guid: of datasets, and of their columns
	taken   map[sdk.NativeID]string
	holders map[string]entity // instances and databases, for the names of what they hold
	flows   []flow
	broken  map[string]bool
	asked   map[string]bool
	n       int64
}

// named is a dataset, or a field of it.
type named struct {
	id    sdk.NativeID
	field string
}

// flow is a process, with what it reads and makes.
type flow struct {
	id      sdk.NativeID // of the process; none for a lineage of columns
	scope   string
	inputs  []ref
	outputs []ref
	how     string
}

// waiting is what has been listed and not been read.
type waiting struct {
	scope string
	guids []string
}

// Harvest lists the entities and reads them some at a time, and then tells the
// lineage, once everything has a name.
func (s *source) Harvest(ctx context.Context, _ sdk.Request, out sdk.Sink) error {
	known, err := s.types(ctx)
	if err != nil {
		return err
	}
	h := &harvest{
		source: s, types: known, out: out, names: map[string]named{}, taken: map[sdk.NativeID]string{}, holders: map[string]entity{},
		broken: map[string]bool{}, asked: map[string]bool{},
	}
	w := &waiting{}
	scopes, err := s.catalogue.list(ctx, known, func(scope, guid, _ string) error {
		if h.asked[guid] { // a listing that moves while it is read shows some twice
			return nil
		}
		h.asked[guid] = true
		if w.scope != scope || len(w.guids) == atATime {
			if err := h.read(ctx, w); err != nil {
				return err
			}
			w = &waiting{scope: scope}
		}
		w.guids = append(w.guids, guid)
		return nil
	})
	if err == nil {
		err = h.read(ctx, w)
	}
	if err != nil {
		return err
	}
	if err := h.lineage(); err != nil {
		return err
	}
	for _, scope := range scopes {
		if h.broken[scope] {
			continue
		}
		if err := out.ScopeDone(scope); err != nil {
			return err
		}
	}
	return nil
}

// read reads what has been listed. Where one of many cannot be read, they are
// read one by one.
func (h *harvest) read(ctx context.Context, w *waiting) error {
	if len(w.guids) == 0 {
		return nil
	}
	b, err := h.bulk(ctx, w.guids)
	if single := len(w.guids) == 1; err != nil && oneOnly(err) {
		if single {
			return h.unread(w.scope, w.guids[0], err)
		}
		for _, guid := range w.guids {
			if err := h.read(ctx, &waiting{w.scope, []string{guid}}); err != nil {
				return err
			}
		}
		return nil
	}
	if err != nil {
		return err
	}
	h.n += int64(len(w.guids))
	if err := h.out.Progress(h.n, 0, w.scope); err != nil {
		return err
	}
	got := map[string]bool{}
	for _, e := range b.Entities {
		got[e.GUID] = true
	}
	for _, guid := range w.guids {
		if !got[guid] {
			if err := h.unread(w.scope, guid, errors.New("the answer lacks it")); err != nil {
				return err
			}
		}
	}
	return h.emitAll(b, w.scope)
}

// oneOnly reports whether an error may be of one entity among those asked for:
// it has gone since it was listed, or it may not be read.
func oneOnly(err error) bool {
	e, ours := errors.AsType[*sdk.Error](err)
	return ours && (e.Class == sdk.ClassDenied || web.Status(err) == http.StatusNotFound)
}

// unread notes an entity that was listed and cannot be read. One that has gone
// since is none.
func (h *harvest) unread(scope, guid string, err error) error {
	if web.Status(err) == http.StatusNotFound {
		return nil
	}
	h.broken[scope] = true
	return h.out.Note(sdk.Note{Level: sdk.ErrorLevel, Code: "atlas.unread", Title: "An entity is listed and cannot be read.", Sample: guid + ": " + err.Error(), Scope: scope})
}

func (h *harvest) emitAll(b bundle, scope string) error {
	for guid, e := range b.Referred {
		if strings.HasSuffix(e.Type, "_instance") || strings.HasSuffix(e.Type, "_db") {
			h.holders[guid] = e
		}
	}
	for _, e := range b.Entities {
		if e.Status == "DELETED" {
			continue
		}
		if strings.HasSuffix(e.Type, "_instance") || strings.HasSuffix(e.Type, "_db") {
			h.holders[e.GUID] = e
		}
		if err := h.entity(b, e, scope); err != nil {
			return err
		}
	}
	return nil
}

// entity emits an asset, or keeps the lineage that a process tells.
func (h *harvest) entity(b bundle, e entity, scope string) error {
	inputs, outputs := e.refs("inputs"), e.refs("outputs")
	if h.types.is(e.Type, "Process") && h.ofColumns(inputs, outputs) {
		h.flows = append(h.flows, flow{scope: scope, inputs: inputs, outputs: outputs, how: e.text("expression")})
		return nil
	}
	a, fields := h.asset(b, e, scope)
	if other, taken := h.taken[a.ID]; taken {
		return h.out.Note(sdk.Note{Level: sdk.WarnLevel, Code: "atlas.twice", Title: "Two entities have the same name, and the first one counts.", Sample: a.ID.Name + ": " + other + " and " + e.GUID})
	}
	h.taken[a.ID] = e.GUID
	h.names[e.GUID] = named{id: a.ID}
	for guid, name := range fields {
		h.names[guid] = named{a.ID, name}
	}
	if h.types.is(e.Type, "Process") {
		h.flows = append(h.flows, flow{id: a.ID, scope: scope, inputs: inputs, outputs: outputs})
	}
	if len(a.Fields) > harvestv1.MaxFields {
		a.Fields = a.Fields[:harvestv1.MaxFields]
		if err := h.out.Note(sdk.Note{Level: sdk.WarnLevel, Code: "atlas.many_fields", Title: fmt.Sprintf("An asset has more than %d fields, and the others are left out.", harvestv1.MaxFields), Sample: a.ID.Name}); err != nil {
			return err
		}
	}
	return h.out.Emit(a)
}

// ofColumns reports whether a process tells of columns alone.
func (h *harvest) ofColumns(lists ...[]ref) bool {
	all := slices.Concat(lists...)
	return len(all) > 0 && !slices.ContainsFunc(all, func(r ref) bool { return !strings.HasSuffix(r.Type, "column") })
}

// asset makes the asset of an entity, with the names of its columns by guid.
func (h *harvest) asset(b bundle, e entity, scope string) (a *sdk.Asset, columns map[string]string) {
	columns = map[string]string{}
	for _, r := range b.columns(e) {
		columns[r.GUID] = r.text("name")
	}
	a = &sdk.Asset{
		ID: h.idOf(b, e), Scope: scope, Kind: h.types.kindOf(e), Rank: sdk.Reference, ShortName: cmp.Or(e.text("name"), e.text("qualifiedName"), e.GUID),
		Description: e.text("userDescription", "comment", "description"), Owners: e.owners(), Tags: e.tags(), Fields: b.fields(e),
		Properties: map[string]string{"type": e.Type}, StableID: e.GUID, Definition: e.text("viewExpandedText", "viewOriginalText", "queryText"),
	}
	if a.Definition != "" {
		a.DefinitionLanguage = "sql"
	}
	if db := e.refs("db"); len(db) == 1 {
		if holder, known := h.names[db[0].GUID]; known {
			a.Parent = &holder.id
		}
	}
	if terms := e.terms(); terms != "" {
		a.Properties["terms"] = terms
	}
	return a, columns
}

// lineage emits what each process reads and makes, and which column is made of
// which. An end that has no name, as one that has been deleted, is left out.
func (h *harvest) lineage() error {
	e := edges{out: h.out, seen: map[string]bool{}, columns: map[pair][]sdk.FieldEdge{}}
	for _, f := range h.flows {
		if f.id == (sdk.NativeID{}) {
			h.ofFields(&e, f)
			continue
		}
		for _, r := range f.inputs {
			if from, known := h.names[r.GUID]; known {
				e.emit(pair{from.id, f.id, f.scope}, "USES", "atlas.process")
			}
		}
		for _, r := range f.outputs {
			if to, known := h.names[r.GUID]; known {
				e.emit(pair{f.id, to.id, f.scope}, "DERIVES", "atlas.process")
			}
		}
	}
	for _, p := range e.order {
		e.emit(p, "DERIVES", "atlas.columns", e.columns[p]...)
	}
	return e.err
}

// ofFields keeps which columns a lineage of columns joins.
func (h *harvest) ofFields(e *edges, f flow) {
	for _, in := range f.inputs {
		for _, out := range f.outputs {
			from, to := h.names[in.GUID], h.names[out.GUID]
			if from.field == "" || to.field == "" {
				continue
			}
			p := pair{from.id, to.id, f.scope}
			if len(e.columns[p]) == 0 {
				e.order = append(e.order, p)
			}
			e.columns[p] = append(e.columns[p], sdk.FieldEdge{From: from.field, To: to.field, Transform: f.how})
		}
	}
}

// pair is the two ends of an edge, with the scope that tells it.
type pair struct {
	from, to sdk.NativeID
	scope    string
}

// edges emits each edge once.
type edges struct {
	out     sdk.Sink
	seen    map[string]bool
	columns map[pair][]sdk.FieldEdge
	order   []pair
	err     error // the first one
}

func (e *edges) emit(p pair, kind, method string, fields ...sdk.FieldEdge) {
	key := strings.Join([]string{p.from.Namespace, p.from.Name, p.to.Namespace, p.to.Name, kind}, "\x00")
	if e.err != nil || e.seen[key] || p.from == p.to {
		return
	}
	e.seen[key] = true
	e.err = e.out.Emit(&sdk.Edge{From: p.from, To: p.to, Scope: p.scope, Kind: kind, Method: method, Confidence: 1, Fields: fields})
}
