package rest

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/souk-mesh/souk/sdk"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
	"github.com/souk-mesh/souk/sdk/web"
)

// harvest is one run.
type harvest struct {
	*source
	out    sdk.Sink
	seen   map[string]bool // names of assets
	broken map[string]bool // scopes that are not whole
	items  int64
}

func newHarvest(s *source, out sdk.Sink) *harvest {
	return &harvest{source: s, out: out, seen: map[string]bool{}, broken: map[string]bool{}}
}

// list emits the assets of one list.
func (h *harvest) list(ctx context.Context, l *list) error {
	n, described, refused := 0, 0, error(nil)
	for item, err := range h.itemsOf(ctx, l) {
		if err != nil {
			return err
		}
		if n++; n > maxItems {
			return sdk.Unavailable(fmt.Sprintf("the list %s has more than %d items", l.Name, maxItems), "narrow what is asked, or make several sources of it", nil)
		}
		if h.items++; h.items%100 == 0 {
			if err := h.out.Progress(h.items, 0, l.Name); err != nil {
				return err
			}
		}
		undescribed, err := h.item(ctx, l, n, item)
		if err != nil {
			return err
		}
		if refused = cmp.Or(undescribed, refused); undescribed == nil {
			described++
		}
	}
	if described == 0 {
		return refused
	}
	return nil
}

// unread notes a list that may not be read.
func (h *harvest) unread(l *list, err error) error {
	h.broken[l.Scope] = true
	return h.out.Note(sdk.Note{Level: sdk.ErrorLevel, Code: "rest.unread", Title: "A list cannot be read.", Sample: l.Name + ": " + err.Error(), Scope: l.Scope})
}

// end says which scopes are whole.
func (h *harvest) end() error {
	if h.rotated {
		note := sdk.Note{
			Level: sdk.WarnLevel, Code: "rest.refresh_token_rotated",
			Title: "The source has given another refresh token, which ends with the run. Sign in again and give a new one if the next run is refused.",
		}
		if err := h.out.Note(note); err != nil {
			return err
		}
	}
	done := map[string]bool{}
	for _, l := range h.mapping.Lists {
		if h.broken[l.Scope] || done[l.Scope] {
			continue
		}
		done[l.Scope] = true
		if err := h.out.ScopeDone(l.Scope); err != nil {
			return err
		}
	}
	return nil
}

// item emits one asset with its lineage, or gives the reason for which this one
// cannot be described.
func (h *harvest) item(ctx context.Context, l *list, n int, item any) (undescribed, err error) {
	name, whole := l.Asset.Name.fill(item, func(part string) string { return sdk.JoinName(part) })
	id := sdk.NativeID{Namespace: h.namespace, Name: name}
	switch {
	case !whole || name == "":
		h.broken[l.Scope] = true
		return nil, h.out.Note(sdk.Note{Level: sdk.ErrorLevel, Code: "rest.no_name", Title: "An item has no value where its name was to come from.", Sample: fmt.Sprintf("%s, item %d", l.Name, n), Scope: l.Scope})
	case h.seen[name]:
		return nil, h.out.Note(sdk.Note{Level: sdk.WarnLevel, Code: "rest.twice", Title: "Two items have the same name, and the first one counts.", Sample: name})
	}
	h.seen[name] = true
	item, err = h.detailed(ctx, l, item)
	var a *sdk.Asset
	if err == nil {
		a, err = h.asset(ctx, l, id, item)
	}
	if err != nil {
		if !partly(err) {
			return nil, err
		}
		return err, h.out.Note(sdk.Note{Level: sdk.ErrorLevel, Code: "rest.undescribed", Title: "An asset cannot be described.", Sample: name + ": " + err.Error(), Scope: l.Scope, Asset: id})
	}
	if err := h.out.Emit(a); err != nil {
		return nil, err
	}
	return nil, h.lineage(l, a, item)
}

// asset makes the asset of an item.
func (h *harvest) asset(ctx context.Context, l *list, id sdk.NativeID, item any) (*sdk.Asset, error) {
	m := l.Asset
	a := &sdk.Asset{
		ID: id, Scope: l.Scope, Kind: m.Kind.text(item), Rank: sdk.Holder, ShortName: m.ShortName.text(item),
		Description: m.Description.text(item), Owners: all(m.Owners, item), Tags: all(m.Tags, item), Properties: each(m.Properties, item),
		StableID: m.StableID.text(item), Definition: m.Definition.text(item),
	}
	if a.Definition != "" {
		a.DefinitionLanguage = m.Language
	}
	if a.ShortName == "" {
		parts := sdk.SplitName(id.Name)
		a.ShortName = parts[len(parts)-1]
	}
	if rows, err := strconv.ParseInt(m.Rows.text(item), 10, 64); err == nil && rows >= 0 {
		a.Rows = &rows
	}
	if m.Fields == nil {
		return a, nil
	}
	return a, h.fields(ctx, l, a, item)
}

// detailed is the item with the answer of one more request under "detail",
// where the list has one.
func (h *harvest) detailed(ctx context.Context, l *list, item any) (any, error) {
	if l.Detail == nil {
		return item, nil
	}
	request, err := l.Detail.request(item)
	if err != nil {
		return nil, err
	}
	var answer node
	if err := h.client.Into(ctx, request, &answer); err != nil {
		return nil, err
	}
	object, ok := item.(map[string]any)
	if !ok {
		object = map[string]any{"value": item}
	}
	with := maps.Clone(object)
	with["detail"] = answer.value
	return with, nil
}

// fields puts the fields into the asset, up to what an asset may have.
func (h *harvest) fields(ctx context.Context, l *list, a *sdk.Asset, item any) error {
	m, keys := l.Asset.Fields, 0
	for value, err := range h.fieldsOf(ctx, m, item) {
		if err != nil {
			return err
		}
		name := m.Name.text(value)
		if name == "" {
			return unmapped("takes the name of a field from where there is no value", "look at the name of the fields in the mapping")
		}
		if len(a.Fields) == harvestv1.MaxFields {
			return h.out.Note(sdk.Note{Level: sdk.WarnLevel, Code: "rest.many_fields", Title: fmt.Sprintf("An asset has more than %d fields, and the others are left out.", harvestv1.MaxFields), Sample: a.ID.Name})
		}
		f := sdk.Field{
			Name: name, Position: len(a.Fields) + 1, NativeType: m.Type.text(value), Description: m.Description.text(value),
			Nullable: m.Nullable.text(value) != "false", Default: m.Default.text(value), Tags: all(m.Tags, value), Values: m.Values.list(value), Meta: each(m.Meta, value),
		}
		if m.PrimaryKey.text(value) == "true" {
			keys++
			f.PrimaryKey, f.Nullable = keys, false
		}
		a.Fields = append(a.Fields, f)
	}
	return nil
}

// lineage emits what the asset is made of and uses.
func (h *harvest) lineage(l *list, a *sdk.Asset, item any) error {
	for _, m := range l.Asset.Lineage {
		for _, name := range m.Name.list(item) {
			from := sdk.NativeID{Namespace: m.Namespace.text(item), Name: name}
			if m.Namespace.empty() {
				from.Namespace = h.namespace
			}
			if from == a.ID || from.Namespace == "" || !h.once(a, from, m.Kind) {
				continue
			}
			if err := h.out.Emit(&sdk.Edge{From: from, To: a.ID, Scope: l.Scope, Kind: m.Kind, Method: "rest.mapping", Confidence: 1}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (h *harvest) once(a *sdk.Asset, from sdk.NativeID, kind string) bool {
	key := strings.Join([]string{kind, from.Namespace, from.Name, a.ID.Name}, "\x00")
	if h.seen[key] {
		return false
	}
	h.seen[key] = true
	return true
}

func all(templates []template, item any) []string {
	var out []string
	for _, t := range templates {
		out = append(out, t.list(item)...)
	}
	return out
}

func each(templates map[string]template, item any) map[string]string {
	var out map[string]string
	for name, t := range templates {
		if text := t.text(item); text != "" {
			if out == nil {
				out = map[string]string{}
			}
			out[name] = text
		}
	}
	return out
}

// unmapped says that an item is not as the mapping has it.
func unmapped(message, fix string) error {
	e := sdk.Config("mapping", message, fix)
	e.Code = codeUnmapped
	return e
}

const codeUnmapped = "rest.unmapped"

// itemsOf gives the items of a list.
func (s *source) itemsOf(ctx context.Context, l *list) iter.Seq2[any, error] {
	if l.Values != nil {
		return given(ctx, l.Values)
	}
	asks := l.Detail != nil || l.Asset.Fields != nil && l.Asset.Fields.In == nil
	return s.ask(ctx, l.Ask, nil, asks)
}

// fieldsOf gives the fields of an item.
func (s *source) fieldsOf(ctx context.Context, m *fields, item any) iter.Seq2[any, error] {
	if m.In == nil {
		return s.ask(ctx, m.Ask, item, false)
	}
	list, ok := listAt(item, m.In)
	if !ok {
		return func(yield func(any, error) bool) {
			yield(nil, unmapped("takes fields from where an item has no list", "look at the place of the fields in the mapping"))
		}
	}
	return given(ctx, list)
}

func given(ctx context.Context, values []any) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for _, value := range values {
			if err := ctx.Err(); err != nil || !yield(value, err) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(nil, err)
		}
	}
}

// ask reads a listing, page by page whole where more is asked with each item.
func (s *source) ask(ctx context.Context, a ask, item any, whole bool) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		first, err := a.Request.request(item)
		if err != nil {
			yield(nil, err)
			return
		}
		l := web.List{First: first, Items: a.Items, Next: a.Page.next, MayLack: a.MayLack, Whole: whole, MaxPages: maxPages}
		for n, err := range web.Items[node](ctx, s.client, l) {
			if !yield(n.value, err) {
				return
			}
		}
	}
}

// request fills the places of a request with the values of an item.
func (q *question) request(item any) (web.Request, error) {
	missing := unmapped("has a place in a request for which an item has no value", "look at the paths and the parameters in the mapping")
	path, whole := q.Path.fill(item, url.PathEscape)
	if dots := path + "/"; !whole || strings.Contains(dots, "/../") || strings.Contains(dots, "/./") {
		return web.Request{}, missing
	}
	r := web.Request{Method: q.Method, Path: path, Query: url.Values{}, Header: http.Header{}, Asks: true}
	for name, t := range q.Query {
		value, whole := t.fill(item, plain)
		if !whole {
			return web.Request{}, missing
		}
		r.Query.Set(name, value)
	}
	for name, value := range q.Headers {
		r.Header.Set(name, value)
	}
	if q.Method == http.MethodPost {
		r.Body = q.body
		r.Header.Set("Content-Type", "application/json")
	}
	return r, nil
}

// first reads what a harvest reads of the first item of a list.
func (s *source) first(ctx context.Context, l *list) error {
	h := newHarvest(s, silent{})
	for item, err := range s.itemsOf(ctx, l) {
		if err != nil {
			return err
		}
		if item, err = h.detailed(ctx, l, item); err != nil {
			return err
		}
		_, err = h.asset(ctx, l, sdk.NativeID{Namespace: s.namespace, Name: l.Name}, item)
		return err
	}
	return nil
}

// silent is the sink of a check.
type silent struct{ sdk.Sink }

func (silent) Note(sdk.Note) error { return nil }
