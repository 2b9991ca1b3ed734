package dremio

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/sdk"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
	"github.com/souk-mesh/souk/sdk/web"
)

// deepest is how many folders may lie in one another.
const deepest = 100

// child is an entry of a listing.
type child struct {
	ID        string   `json:"id"`
	Path      []string `json:"path"`
	Type      string   `json:"type"` // CONTAINER, DATASET or FILE
	Container string   `json:"containerType"`
}

// dataset is a table or a view.
type dataset struct {
	ID     string   `json:"id"`
	Type   string   `json:"type"` // PHYSICAL_DATASET or VIRTUAL_DATASET
	Path   []string `json:"path"`
	SQL    string   `json:"sql"`
	Fields []field  `json:"fields"`
}

// harvest is one run.
type harvest struct {
	*source
	out      sdk.Sink
	seen     map[string]bool // containers and datasets, by id
	broken   map[string]bool // scopes that are not whole
	noted    bool            // that a tree is told no lineage
	datasets int64
}

// roots lists the sources and spaces.
func (s *source) roots(ctx context.Context) ([]child, error) {
	var roots []child
	for c, err := range web.Items[child](ctx, s.client, web.List{First: web.Request{Path: s.path}, Items: []string{"data"}}) {
		if err != nil {
			return nil, err
		}
		if c.Container == "SPACE" || c.Container == "SOURCE" {
			roots = append(roots, c)
		}
	}
	return roots, nil
}

// Harvest goes through each source and space, each a scope of its own.
func (s *source) Harvest(ctx context.Context, _ sdk.Request, out sdk.Sink) error {
	h := &harvest{source: s, out: out, seen: map[string]bool{}, broken: map[string]bool{}}
	roots, err := s.roots(ctx)
	if err != nil {
		return err
	}
	for _, r := range roots {
		t := &tree{scope: strings.ToLower(r.Container) + ":" + strings.Join(r.Path, ".")}
		if err := h.container(ctx, t, r, 0); err != nil {
			return err
		}
		if err := h.withoutLineage(t); err != nil {
			return err
		}
		if h.broken[t.scope] {
			continue
		}
		if err := out.ScopeDone(t.scope); err != nil {
			return err
		}
	}
	return nil
}

// tree is a source or a space.
type tree struct {
	scope  string
	system system // whose tables a source shows

	told   bool           // lineage of a view of it
	untold []sdk.NativeID // views without, until one is told
}

func (h *harvest) fail(t *tree, code, title, sample string) error {
	h.broken[t.scope] = true
	return h.out.Note(sdk.Note{Level: sdk.ErrorLevel, Code: code, Title: title, Sample: sample, Scope: t.scope})
}

// container goes through what a source, a space or a folder holds. All of it is
// listed before the first of it is asked for, so that no page waits.
func (h *harvest) container(ctx context.Context, t *tree, c child, deep int) error {
	if h.seen[c.ID] || len(c.Path) == 0 {
		return nil
	}
	h.seen[c.ID] = true
	if deep > deepest {
		return h.fail(t, "dremio.deep", "Folders lie too deep in one another.", strings.Join(c.Path, "."))
	}
	children, rest, err := h.children(ctx, c)
	if err != nil {
		return h.unread(t, c, err)
	}
	if deep == 0 {
		if err := h.begin(t, c, rest); err != nil {
			return err
		}
	}
	a := &sdk.Asset{ID: h.id(c.Path), Scope: t.scope, Kind: "FOLDER", Rank: sdk.Holder, ShortName: c.Path[len(c.Path)-1], Parent: h.above(c)}
	if deep == 0 { // a folder has no wiki
		if err := h.written(ctx, c.ID, a, "wiki"); err != nil {
			return err
		}
	}
	if err := h.out.Emit(a); err != nil {
		return err
	}
	for _, inner := range children {
		switch {
		case inner.Type == "DATASET":
			err = h.dataset(ctx, t, c, inner)
		case inner.Type == "CONTAINER" && inner.Container != "FUNCTION":
			err = h.container(ctx, t, inner, deep+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (h *harvest) children(ctx context.Context, c child) (children []child, rest map[string]any, err error) {
	next := web.NextCursor("pageToken", "nextPageToken")
	list := web.List{
		First: web.Request{Path: h.path + "/" + url.PathEscape(c.ID), Query: url.Values{"maxChildren": {"500"}}}, Items: []string{"children"},
		Next: func(p web.Page) (web.Request, bool, error) {
			rest = p.Rest
			return next(p)
		},
	}
	for inner, err := range web.Items[child](ctx, h.client, list) {
		if err != nil {
			return nil, nil, err
		}
		children = append(children, inner)
	}
	return children, rest, nil
}

// unread notes a container that cannot be read. The others go on.
func (h *harvest) unread(t *tree, c child, err error) error {
	e, ours := errors.AsType[*sdk.Error](err)
	if !ours || e.Class != sdk.ClassDenied && web.Status(err) != http.StatusNotFound && web.Status(err) != http.StatusBadRequest {
		return err
	}
	return h.fail(t, "dremio.unread", "A part of the catalog cannot be read.", strings.Join(c.Path, ".")+": "+e.Message)
}

// begin takes what a source says of itself. One that is out of order shows what
// it remembers, or nothing.
func (h *harvest) begin(t *tree, c child, rest map[string]any) error {
	text, err := json.Marshal(rest)
	if err != nil {
		return err
	}
	var about struct {
		State  *struct{ Status string } `json:"state"`
		Type   string                   `json:"type"`
		Config systemConfig             `json:"config"`
	}
	if err := json.Unmarshal(text, &about); err == nil {
		t.system = systemOf(about.Type, about.Config)
	}
	if about.State != nil && strings.EqualFold(about.State.Status, "bad") {
		return h.fail(t, "dremio.source_is_bad", "A source of Dremio is out of order, and may not show all that it has.", strings.Join(c.Path, "."))
	}
	return nil
}

func (h *harvest) id(path []string) sdk.NativeID {
	return sdk.NativeID{Namespace: h.Namespace, Name: sdk.JoinName(path...)}
}

// above is what holds a folder; nothing holds a source and a space.
func (h *harvest) above(c child) *sdk.NativeID {
	if len(c.Path) < 2 {
		return nil
	}
	id := h.id(c.Path[:len(c.Path)-1])
	return &id
}

// dataset emits a table or a view, with its lineage.
func (h *harvest) dataset(ctx context.Context, t *tree, folder, c child) error {
	if h.seen[c.ID] {
		return nil
	}
	h.seen[c.ID] = true
	if h.datasets++; h.datasets%20 == 0 {
		if err := h.out.Progress(h.datasets, 0, t.scope); err != nil {
			return err
		}
	}
	var d dataset
	if err := h.client.Into(ctx, web.Request{Path: h.path + "/" + url.PathEscape(c.ID)}, &d); err != nil {
		return h.undescribed(t, c, err)
	}
	if len(d.Path) == 0 {
		if d.Path = c.Path; len(c.Path) == 0 {
			return h.fail(t, "dremio.nameless", "A table or view has no name.", c.ID)
		}
	}
	if d.ID == "" || d.ID[0] == '{' { // the id of the listing says the branch
		d.ID = c.ID
	}
	parent := h.id(folder.Path)
	a := &sdk.Asset{ID: h.id(d.Path), Scope: t.scope, Kind: "TABLE", Rank: sdk.Holder, ShortName: d.Path[len(d.Path)-1], Parent: &parent, StableID: stableID(d.ID)}
	if d.Type == "VIRTUAL_DATASET" {
		a.Kind, a.Definition, a.DefinitionLanguage = "VIEW", d.SQL, "sql"
	}
	if err := h.fields(a, d); err != nil {
		return err
	}
	if err := h.written(ctx, d.ID, a, "wiki", "tag"); err != nil {
		return err
	}
	parents, err := h.lineage(ctx, t, d.ID, a)
	if err != nil {
		return err
	}
	if err := h.out.Emit(a); err != nil {
		return err
	}
	if native, ok := t.system.native(d.Path); ok && d.Type == "PHYSICAL_DATASET" {
		return h.out.Emit(&sdk.Edge{From: native, To: a.ID, Scope: t.scope, Kind: "USES", Method: "dremio.source", Confidence: 1})
	}
	for _, p := range parents {
		if err := h.out.Emit(&sdk.Edge{From: h.id(p.Path), To: a.ID, Scope: t.scope, Kind: "DERIVES", Method: "dremio.graph", Confidence: 1}); err != nil {
			return err
		}
	}
	return nil
}

// undescribed notes a dataset that is there and may not be read.
func (h *harvest) undescribed(t *tree, c child, err error) error {
	e, ours := errors.AsType[*sdk.Error](err)
	switch {
	case ours && web.Status(err) == http.StatusNotFound: // it has gone since it was listed
		return nil
	case !ours || e.Class != sdk.ClassDenied || len(c.Path) == 0:
		return err
	}
	id := h.id(c.Path)
	return h.out.Note(sdk.Note{Level: sdk.ErrorLevel, Code: "dremio.undescribed", Title: "A table or view is there and may not be read.", Sample: id.Name, Scope: t.scope, Asset: id})
}

func (h *harvest) fields(a *sdk.Asset, d dataset) error {
	for _, f := range d.Fields {
		if len(a.Fields) == harvestv1.MaxFields {
			return h.out.Note(sdk.Note{Level: sdk.WarnLevel, Code: "dremio.many_fields", Title: fmt.Sprintf("An asset has more than %d fields, and the others are left out.", harvestv1.MaxFields), Sample: a.ID.Name})
		}
		a.Fields = append(a.Fields, sdk.Field{Name: f.Name, Position: len(a.Fields) + 1, NativeType: f.Type.native(), Nullable: true})
	}
	return nil
}

// ids of Dremio: a UUID; a text path, for what it knows from its source alone; and
// in a catalog with versions an object in JSON.
const textID = "dremio:"

// stableID is what stays where a dataset is renamed.
func stableID(id string) string {
	var versioned struct {
		Content string `json:"contentId"`
	}
	switch {
	case strings.HasPrefix(id, textID):
		return ""
	case json.Unmarshal([]byte(id), &versioned) == nil:
		return versioned.Content
	}
	return id
}

// written puts into the asset what people wrote of it.
func (h *harvest) written(ctx context.Context, id string, a *sdk.Asset, parts ...string) error {
	if !h.Details || strings.HasPrefix(id, textID) {
		return nil
	}
	var about struct {
		Text string   `json:"text"`
		Tags []string `json:"tags"`
	}
	for _, part := range parts {
		err := h.client.Into(ctx, web.Request{Path: h.path + "/" + url.PathEscape(id) + "/collaboration/" + part}, &about)
		switch web.Status(err) {
		case http.StatusNotFound, http.StatusBadRequest: // there is none; there can be none
			err = nil
		case http.StatusForbidden:
			err = h.out.Note(sdk.Note{Level: sdk.ErrorLevel, Code: "dremio.unwritten", Title: "A wiki or tags may not be read.", Sample: a.ID.Name, Scope: a.Scope, Asset: a.ID})
		}
		if err != nil {
			return err
		}
	}
	a.Description, a.Tags = about.Text, about.Tags
	slices.Sort(a.Tags)
	return nil
}
