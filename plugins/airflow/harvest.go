package airflow

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/dataset"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// The scopes: what is listed, and so retires, together.
const (
	dagScope     = "dags"
	datasetScope = "datasets"
)

// pageSize is what Airflow gives at most unless its operator says otherwise.
const pageSize = 100

// harvest is one run.
type harvest struct {
	*source
	api    api
	out    sdk.Sink
	dags   []dagAnswer     // those that there are
	ids    map[string]bool // their ids
	edges  map[edgeKey]bool
	broken map[string]bool // scopes that are not whole
	noRuns bool            // they may not be read
}

// Harvest emits the DAGs with their tasks, and then the datasets with who reads
// and writes them.
func (s *source) Harvest(ctx context.Context, _ sdk.Request, out sdk.Sink) error {
	a, err := s.speaks(ctx)
	if err != nil {
		return err
	}
	h := &harvest{source: s, api: a, out: out, ids: map[string]bool{}, edges: map[edgeKey]bool{}, broken: map[string]bool{}}
	if err := h.list(ctx); err != nil {
		return err
	}
	for i, d := range h.dags {
		if err := out.Progress(int64(i), int64(len(h.dags)), d.ID); err != nil {
			return err
		}
		if err := h.dag(ctx, d); err != nil {
			return err
		}
	}
	if err := h.done(dagScope); err != nil {
		return err
	}
	if err := h.datasets(ctx); err != nil {
		return err
	}
	return h.done(datasetScope)
}

func (h *harvest) done(scope string) error {
	if h.broken[scope] {
		return nil
	}
	return h.out.ScopeDone(scope)
}

// fail notes that a part of a scope cannot be read.
func (h *harvest) fail(scope, code, title, sample string) error {
	h.broken[scope] = true
	return h.out.Note(sdk.Note{Level: sdk.ErrorLevel, Code: code, Title: title, Sample: sample, Scope: scope})
}

// unread reports whether the error is of one part alone, and notes it then.
func (h *harvest) unread(scope, what string, err error) error {
	e, ours := errors.AsType[*sdk.Error](err)
	if !ours || e.Class != sdk.ClassDenied && web.Status(err) != http.StatusNotFound {
		return err
	}
	return h.fail(scope, "airflow.unread", "A part of Airflow cannot be read.", what+": "+e.Message)
}

func pages(path, items string, more url.Values) web.List {
	query := url.Values{"limit": {strconv.Itoa(pageSize)}, "offset": {"0"}}
	maps.Copy(query, more)
	return web.List{First: web.Request{Path: path, Query: query}, Items: []string{items}, Next: web.NextOffset("offset", "total_entries")}
}

// list finds the DAGs that there are. One that Airflow has put aside because its
// file is broken is there, and is not shown: then nothing may be retired.
func (h *harvest) list(ctx context.Context) error {
	gone := map[string][]string{} // DAGs that are no longer found, by their file
	for d, err := range web.Items[dagAnswer](ctx, h.client, pages(h.api.path+"/dags", "dags", url.Values{h.api.all: {h.api.inactive}})) {
		switch {
		case err != nil:
			return h.who(h.api, err)
		case d.gone():
			gone[d.File] = append(gone[d.File], d.ID)
		case !h.ids[d.ID]:
			h.ids[d.ID] = true
			h.dags = append(h.dags, d)
		}
	}
	return h.importErrors(ctx, gone)
}

func (h *harvest) importErrors(ctx context.Context, gone map[string][]string) error {
	for e, err := range web.Items[importErrorAnswer](ctx, h.client, pages(h.api.path+"/importErrors", "import_errors", nil)) {
		if err != nil {
			return h.unread(dagScope, "errors of DAG files", err)
		}
		if hidden := gone[fileIn(gone, e.File)]; len(hidden) > 0 {
			err = h.fail(dagScope, "airflow.broken_file", "A DAG file cannot be imported, and Airflow no longer shows its DAGs. What is known of them stays.", e.File+": "+strings.Join(hidden, ", "))
		} else {
			err = h.out.Note(sdk.Note{Level: sdk.WarnLevel, Code: "airflow.import_error", Title: "A DAG file cannot be imported.", Sample: e.File})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fileIn finds a file of DAGs by the name that an error has: from the folder of
// DAGs on in Airflow 3, and whole in Airflow 2.
func fileIn(gone map[string][]string, name string) string {
	for file := range gone {
		if file == name || strings.HasSuffix(file, "/"+strings.TrimPrefix(name, "/")) {
			return file
		}
	}
	return ""
}

func (h *harvest) id(parts ...string) sdk.NativeID {
	return sdk.NativeID{Namespace: h.namespace, Name: sdk.JoinName(parts...)}
}

// aliases gives the name that Airflow's OpenLineage provider uses where that is
// another: it joins with dots as they come. A name that could be of another DAG
// or task, too, is left out.
func (h *harvest) aliases(parts ...string) []sdk.Alias {
	plain := sdk.PlainName(parts...)
	if plain == "" {
		return nil
	}
	for i, r := range plain + "." {
		if r == '.' && plain[:i] != parts[0] && h.ids[plain[:i]] {
			return nil
		}
	}
	return []sdk.Alias{{Scheme: "openlineage", Namespace: h.namespace, Name: plain}}
}

// dag emits one DAG and its tasks.
func (h *harvest) dag(ctx context.Context, d dagAnswer) error {
	path := h.api.path + "/dags/" + url.PathEscape(d.ID)
	if d.Description == "" {
		var more dagAnswer
		if err := h.client.Into(ctx, web.Request{Path: path + "/details"}, &more); err != nil {
			if err := h.unread(dagScope, "details of "+d.ID, err); err != nil {
				return err
			}
		}
		d.Description = more.Doc
	}
	var answer struct {
		Tasks *[]taskAnswer `json:"tasks"`
	}
	err := h.client.Into(ctx, web.Request{Path: path + "/tasks"}, &answer)
	if err == nil && answer.Tasks == nil {
		return sdk.Unavailable("Airflow gives no list of the tasks of "+d.ID, "run again; if it stays so, look at the version of Airflow", nil)
	}
	if err != nil {
		if err := h.unread(dagScope, "tasks of "+d.ID, err); err != nil {
			return err
		}
		answer.Tasks = &[]taskAnswer{}
	}
	runs, err := h.runsOf(ctx, d)
	if err != nil {
		return err
	}
	if err := h.out.Emit(h.asset(d, runs)); err != nil {
		return err
	}
	for _, t := range *answer.Tasks {
		if t.ID == "" { // Airflow's description allows it
			continue
		}
		if err := h.out.Emit(h.task(d, t, runs)); err != nil {
			return err
		}
	}
	return nil
}

func (h *harvest) asset(d dagAnswer, runs runs) *sdk.Asset {
	a := &sdk.Asset{
		ID: h.id(d.ID), Scope: dagScope, Kind: "JOB", Rank: sdk.Holder, ShortName: cmp.Or(d.DisplayName, d.ID),
		Description: d.Description, Owners: people(d.Owners...), Aliases: h.aliases(d.ID),
		Properties: sdk.Properties("type", "DAG", "schedule", d.Schedule, "file", d.File, "paused", yes(d.Paused)), Runs: runs.ofDAG(),
	}
	for _, tag := range d.Tags {
		a.Tags = append(a.Tags, tag.Name)
	}
	slices.Sort(a.Tags)
	return a
}

func (h *harvest) task(d dagAnswer, t taskAnswer, runs runs) *sdk.Asset {
	slices.Sort(t.Downstream)
	return &sdk.Asset{
		ID: h.id(d.ID, t.ID), Scope: dagScope, Kind: "JOB", Rank: sdk.Holder, ShortName: cmp.Or(t.DisplayName, t.ID),
		Description: t.Doc, Owners: people(t.Owner), Aliases: h.aliases(d.ID, t.ID),
		Properties: sdk.Properties("type", "task", "dag", d.ID, "operator", cmp.Or(t.Operator, t.ClassRef.Class), "before", strings.Join(t.Downstream, ", "), "mapped", yes(t.Mapped)), Runs: runs.ofTask(t.ID),
	}
}

// people are owners, without the word that Airflow has for nobody. An author
// may write several into one text.
func people(owners ...string) []string {
	var out []string
	for _, text := range owners {
		for name := range strings.SplitSeq(text, ",") {
			if name = strings.TrimSpace(name); name != "" && name != "airflow" && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return out
}

func yes(is bool) string {
	if is {
		return "true"
	}
	return ""
}

// datasets emits the datasets, and who reads and writes them.
func (h *harvest) datasets(ctx context.Context) error {
	seen := map[sdk.NativeID]bool{}
	for d, err := range web.Items[datasetAnswer](ctx, h.client, pages(h.api.path+"/"+h.api.datasets, h.api.datasets, nil)) {
		if err != nil {
			return h.unread(datasetScope, h.api.datasets, err)
		}
		a := h.named(d)
		if a.ID.Name == "" {
			continue
		}
		if !seen[a.ID] {
			seen[a.ID] = true
			if err := h.out.Emit(a); err != nil {
				return err
			}
		}
		if err := h.lineage(a.ID, d); err != nil {
			return err
		}
	}
	return nil
}

// named gives the asset of a dataset. What another system holds is only named
// here; a name that is Airflow's own is Airflow's.
func (h *harvest) named(d datasetAnswer) *sdk.Asset {
	uri := cmp.Or(d.URI, d.Name)
	if known, ok := dataset.FromURI(uri); ok {
		return &sdk.Asset{ID: known.ID, Scope: datasetScope, Kind: known.Kind, Rank: sdk.Reference, Reference: true, ShortName: known.Short()}
	}
	group := d.Group
	if group == "asset" { // what Airflow calls the group of those that have none
		group = ""
	}
	return &sdk.Asset{
		ID: sdk.NativeID{Namespace: h.namespace, Name: uri}, Scope: datasetScope, Kind: "OTHER", Rank: sdk.Builder, ShortName: cmp.Or(d.Name, uri),
		Properties: sdk.Properties("type", "dataset", "group", group),
	}
}

// lineage emits what a dataset starts, feeds and comes from. What is true of a
// task is true of its DAG.
func (h *harvest) lineage(id sdk.NativeID, d datasetAnswer) error {
	for _, r := range slices.Concat(d.Scheduled, d.Consuming) {
		if err := h.edge("USES", id, r.DAG, "", "airflow.schedule"); err != nil {
			return err
		}
	}
	for _, r := range d.Reading {
		if err := h.edge("USES", id, r.DAG, r.Task, "airflow.inlet"); err != nil {
			return err
		}
	}
	for _, r := range d.Producing {
		if err := h.edge("DERIVES", id, r.DAG, r.Task, "airflow.outlet"); err != nil {
			return err
		}
	}
	return nil
}

func (h *harvest) edge(kind string, id sdk.NativeID, dag, task, method string) error {
	if !h.ids[dag] {
		return nil
	}
	for _, job := range []sdk.NativeID{h.id(dag), h.id(dag, task)} {
		e := sdk.Edge{From: id, To: job, Scope: datasetScope, Kind: kind, Method: method, Confidence: 1}
		if kind == "DERIVES" {
			e.From, e.To = job, id
		}
		if err := h.once(e); err != nil {
			return err
		}
	}
	return nil
}

// edgeKey is what makes an edge the same, whatever it is known by.
type edgeKey struct {
	from, to sdk.NativeID
	kind     string
}

// once emits an edge unless it was emitted before, for another reason too.
func (h *harvest) once(e sdk.Edge) error {
	key := edgeKey{e.From, e.To, e.Kind}
	if h.edges[key] {
		return nil
	}
	h.edges[key] = true
	return h.out.Emit(&e)
}
