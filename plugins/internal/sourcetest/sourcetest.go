// Package sourcetest runs a plugin within a test and keeps what it emits. It owns
// what the edge tests of plugins share, beside the suite that every plugin
// passes; it refuses what a host would refuse, and knows no source system.
package sourcetest

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"testing"

	"github.com/souk-mesh/souk/sdk"
)

// Object is a JSON object.
type Object = map[string]any

// Sink keeps everything.
type Sink struct {
	Assets map[string]*sdk.Asset // by the name of the id, without its namespace
	Edges  []*sdk.Edge
	Done   []string
	Notes  map[string][]sdk.Note // by code

	OnAsset func(*sdk.Asset) // told of each; may be nil
}

// Flows are the edges as texts, in the order in which they came.
func (s *Sink) Flows() []string {
	var flows []string
	for _, e := range s.Edges {
		flows = append(flows, e.Kind+" "+e.From.Namespace+" "+e.From.Name+" -> "+e.To.Name)
	}
	return flows
}

// Emit keeps a record, and returns the error that the host would.
func (s *Sink) Emit(r sdk.Record) error {
	switch r := r.(type) {
	case *sdk.Asset:
		if s.Assets[r.ID.Name] = r; s.OnAsset != nil {
			s.OnAsset(r)
		}
	case *sdk.Edge:
		s.Edges = append(s.Edges, r)
	}
	return sdk.Validate(r)
}

// Checkpoint keeps nothing: a test begins anew.
func (s *Sink) Checkpoint([]byte) error { return nil }

// ScopeDone keeps the name of the scope.
func (s *Sink) ScopeDone(scope string) error {
	s.Done = append(s.Done, scope)
	return nil
}

// Progress keeps nothing.
func (s *Sink) Progress(int64, int64, string) error { return nil }

// Note keeps the note.
func (s *Sink) Note(n sdk.Note) error {
	s.Notes[n.Code] = append(s.Notes[n.Code], n)
	return nil
}

// JSON is one object of several, of which the later ones win.
func JSON(t *testing.T, objects ...Object) json.RawMessage {
	t.Helper()
	all := Object{}
	for _, o := range objects {
		maps.Copy(all, o)
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Open opens a source until the test ends.
func Open(t *testing.T, plugin sdk.Registration, config json.RawMessage, secrets map[string]string) sdk.Source {
	t.Helper()
	s, err := plugin.Open(t.Context(), config, secrets, sdk.Env{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Harvest runs one harvest.
func Harvest(ctx context.Context, source sdk.Source, onAsset func(*sdk.Asset)) (*Sink, error) {
	s := &Sink{Assets: map[string]*sdk.Asset{}, Notes: map[string][]sdk.Note{}, OnAsset: onAsset}
	err := source.Harvest(ctx, sdk.Request{}, s)
	return s, err
}

// Class is that of an error of the SDK, and "" of any other.
func Class(err error) sdk.Class {
	if e, ours := errors.AsType[*sdk.Error](err); ours {
		return e.Class
	}
	return ""
}
