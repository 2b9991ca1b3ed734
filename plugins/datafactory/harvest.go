package datafactory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	names "github.com/souk-mesh/souk/plugins/internal/dataset"
	"github.com/souk-mesh/souk/sdk"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
	"github.com/souk-mesh/souk/sdk/web"
)

// activity is one step of a pipeline. Some hold others.
type activity struct {
	Name        string          `json:"name"`
	Type        string          `json:"type"`
	Description string          `json:"description"`
	Inputs      []reference     `json:"inputs"`
	Outputs     []reference     `json:"outputs"`
	Properties  json.RawMessage `json:"typeProperties"`
}

type reference struct {
	Name string `json:"referenceName"`
	Type string `json:"type"`
}

// held are the places in which an activity may hold others, or name a dataset.
type held struct {
	Activities []activity `json:"activities"`
	IfTrue     []activity `json:"ifTrueActivities"`
	IfFalse    []activity `json:"ifFalseActivities"`
	Default    []activity `json:"defaultActivities"`
	Cases      []struct {
		Activities []activity `json:"activities"`
	} `json:"cases"`
	Dataset  *reference `json:"dataset"`
	Pipeline *reference `json:"pipeline"`
}

type pipelineProperties struct {
	Description string     `json:"description"`
	Activities  []activity `json:"activities"`
	Annotations []any      `json:"annotations"`
	Folder      struct {
		Name string `json:"name"`
	} `json:"folder"`
}

// deepest is how deep activities may lie in one another.
const deepest = 50

// harvest is one run over one factory.
type harvest struct {
	*source
	out      sdk.Sink
	factory  string // its id
	scope    string
	datasets map[string]sdk.NativeID // by name, in small letters
	emitted  map[sdk.NativeID]bool
	edges    map[[3]string]bool
	broken   bool
}

// Harvest goes through the factories, each a scope of its own.
func (s *source) Harvest(ctx context.Context, _ sdk.Request, out sdk.Sink) error {
	found, err := s.factories(ctx)
	if err != nil {
		return err
	}
	emitted := map[sdk.NativeID]bool{} // two factories may name one table
	for i, f := range found {
		if err := out.Progress(int64(i), int64(len(found)), f.Name); err != nil {
			return err
		}
		h := &harvest{source: s, out: out, factory: f.ID, scope: "factory:" + f.Name, datasets: map[string]sdk.NativeID{}, emitted: emitted, edges: map[[3]string]bool{}}
		if err := h.all(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (h *harvest) all(ctx context.Context) error {
	services, err := h.services(ctx)
	if err == nil {
		err = h.readDatasets(ctx, services)
	}
	var runs map[string][]run
	if err == nil {
		runs, err = h.runs(ctx)
	}
	if err == nil {
		err = h.pipelines(ctx, runs)
	}
	if e, ours := errors.AsType[*sdk.Error](err); ours && e.Class == sdk.ClassDenied {
		h.broken = true
		err = h.out.Note(sdk.Note{Level: sdk.ErrorLevel, Code: "datafactory.denied", Title: "A factory may not be read whole.", Sample: e.Message, Scope: h.scope})
	}
	if err != nil || h.broken {
		return err
	}
	return h.out.ScopeDone(h.scope)
}

func (h *harvest) services(ctx context.Context) (map[string]service, error) {
	all := map[string]service{}
	for s, err := range web.Items[resource[service]](ctx, h.client, list(h.factory+"/linkedservices")) {
		if err != nil {
			return nil, err
		}
		all[strings.ToLower(s.Name)] = s.Properties
	}
	return all, nil
}

// readDatasets emits the datasets: what another system holds is only named.
func (h *harvest) readDatasets(ctx context.Context, services map[string]service) error {
	for d, err := range web.Items[resource[datasetProperties]](ctx, h.client, list(h.factory+"/datasets")) {
		if err != nil {
			return err
		}
		a := h.named(d, services[strings.ToLower(d.Properties.Service.Name)])
		h.datasets[strings.ToLower(d.Name)] = a.ID
		if h.emitted[a.ID] {
			continue
		}
		h.emitted[a.ID] = true
		if len(a.Fields) > harvestv1.MaxFields {
			a.Fields = a.Fields[:harvestv1.MaxFields]
			if err := h.out.Note(sdk.Note{Level: sdk.WarnLevel, Code: "datafactory.many_fields", Title: fmt.Sprintf("A dataset has more than %d fields, and the others are left out.", harvestv1.MaxFields), Sample: d.Name}); err != nil {
				return err
			}
		}
		if err := h.out.Emit(a); err != nil {
			return err
		}
	}
	return nil
}

func (h *harvest) named(d resource[datasetProperties], s service) *sdk.Asset {
	if known, ok := native(d.Properties, s); ok {
		return &sdk.Asset{ID: known.ID, Scope: h.scope, Kind: known.Kind, Rank: sdk.Reference, Reference: true, ShortName: short(known)}
	}
	a := &sdk.Asset{
		ID: sdk.NativeID{Namespace: namespace, Name: d.ID}, Scope: h.scope, Kind: "OTHER", Rank: sdk.Builder, ShortName: d.Name, Description: d.Properties.Description,
		Tags: tags(d.Properties.Annotations), Properties: map[string]string{"type": d.Properties.Type},
	}
	shown := d.Properties.Schema
	if len(shown) == 0 {
		shown = d.Properties.Structure
	}
	for _, c := range shown {
		if name := c.text("name"); name != "" {
			a.Fields = append(a.Fields, sdk.Field{Name: name, Position: len(a.Fields) + 1, NativeType: c.text("type"), Nullable: true})
		}
	}
	return a
}

func short(d names.Dataset) string { return d.Short() }

// tags are annotations that are texts.
func tags(annotations []any) []string {
	var out []string
	for _, a := range annotations {
		if text, ok := a.(string); ok && text != "" {
			out = append(out, text)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// pipelines emits the pipelines with their lineage.
func (h *harvest) pipelines(ctx context.Context, runs map[string][]run) error {
	for p, err := range web.Items[resource[pipelineProperties]](ctx, h.client, list(h.factory+"/pipelines")) {
		if err != nil {
			return err
		}
		a := &sdk.Asset{
			ID: sdk.NativeID{Namespace: namespace, Name: p.ID}, Scope: h.scope, Kind: "JOB", Rank: sdk.Holder, ShortName: p.Name, Description: p.Properties.Description,
			Tags: tags(p.Properties.Annotations), Properties: map[string]string{"type": "pipeline"}, Runs: ended(runs[strings.ToLower(p.Name)]),
		}
		if p.Properties.Folder.Name != "" {
			a.Properties["folder"] = p.Properties.Folder.Name
		}
		if err := h.out.Emit(a); err != nil {
			return err
		}
		if err := h.activities(a.ID, p.Properties.Activities, 0); err != nil {
			return err
		}
	}
	return nil
}

// activities emits those that read or write datasets, and goes into those that
// hold others.
func (h *harvest) activities(pipeline sdk.NativeID, all []activity, deep int) error {
	for _, a := range all {
		var in held
		if len(a.Properties) > 0 {
			// Properties of an unknown shape hold nothing that is known.
			_ = json.Unmarshal(a.Properties, &in)
		}
		if err := h.activity(pipeline, a, in); err != nil {
			return err
		}
		inner := slices.Concat(in.Activities, in.IfTrue, in.IfFalse, in.Default)
		for _, c := range in.Cases {
			inner = append(inner, c.Activities...)
		}
		if deep < deepest {
			if err := h.activities(pipeline, inner, deep+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func (h *harvest) activity(pipeline sdk.NativeID, a activity, in held) error {
	if in.Dataset != nil { // a lookup, a deletion, metadata
		a.Inputs = append(a.Inputs, *in.Dataset)
	}
	if in.Pipeline != nil {
		called := sdk.NativeID{Namespace: namespace, Name: h.factory + "/pipelines/" + in.Pipeline.Name}
		if err := h.edge(called, pipeline, "USES", "datafactory.execute_pipeline"); err != nil {
			return err
		}
	}
	if len(a.Inputs)+len(a.Outputs) == 0 {
		return nil
	}
	id := sdk.NativeID{Namespace: namespace, Name: pipeline.Name + "/activities/" + a.Name}
	if !h.emitted[id] {
		h.emitted[id] = true
		job := &sdk.Asset{ID: id, Scope: h.scope, Kind: "JOB", Rank: sdk.Holder, ShortName: a.Name, Description: a.Description, Properties: map[string]string{"type": a.Type}}
		if err := h.out.Emit(job); err != nil {
			return err
		}
	}
	for _, job := range []sdk.NativeID{pipeline, id} {
		for _, r := range a.Inputs {
			if err := h.edge(h.datasets[strings.ToLower(r.Name)], job, "USES", "datafactory.input"); err != nil {
				return err
			}
		}
		for _, r := range a.Outputs {
			if err := h.edge(job, h.datasets[strings.ToLower(r.Name)], "DERIVES", "datafactory.output"); err != nil {
				return err
			}
		}
	}
	return nil
}

// edge emits an edge once. A dataset that is not there has no name.
func (h *harvest) edge(from, to sdk.NativeID, kind, method string) error {
	key := [3]string{from.Namespace + "\x00" + from.Name, to.Namespace + "\x00" + to.Name, kind}
	if from.Name == "" || to.Name == "" || from == to || h.edges[key] {
		return nil
	}
	h.edges[key] = true
	return h.out.Emit(&sdk.Edge{From: from, To: to, Scope: h.scope, Kind: kind, Method: method, Confidence: 1})
}
