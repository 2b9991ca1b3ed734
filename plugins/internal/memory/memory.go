// Package memory is the sink that tests of plugins harvest into. It keeps what is
// emitted in forms that a test compares easily, and refuses a record that the
// host would refuse. It judges nothing else: that is for sdk/plugintest.
package memory

import (
	"errors"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// Sink keeps what a harvest tells.
type Sink struct {
	Assets map[string]*sdk.Asset // by namespace and name, with a space between
	Edges  []string              // KIND FROM -> TO, and FIELD>FIELD for each that is known
	Tests  []*sdk.Quality
	Done   []string              // scopes
	Notes  map[string][]sdk.Note // by code
	ByEnds map[string]*sdk.Edge  // the edges by FROM -> TO

	named map[string]*sdk.Asset // by name alone
}

var _ sdk.Sink = (*Sink)(nil)

// New gives an empty sink.
func New() *Sink {
	return &Sink{Assets: map[string]*sdk.Asset{}, Notes: map[string][]sdk.Note{}, named: map[string]*sdk.Asset{}, ByEnds: map[string]*sdk.Edge{}}
}

// Emit keeps a record. It returns an error where the host would.
func (m *Sink) Emit(r sdk.Record) error {
	switch r := r.(type) {
	case *sdk.Asset:
		m.Assets[r.ID.Namespace+" "+r.ID.Name], m.named[r.ID.Name] = r, r
	case *sdk.Edge:
		words := []string{r.Kind, r.From.Name, "->", r.To.Name}
		for _, f := range r.Fields {
			words = append(words, f.From+">"+f.To)
		}
		m.Edges, m.ByEnds[r.From.Name+" -> "+r.To.Name] = append(m.Edges, strings.Join(words, " ")), r
	case *sdk.Quality:
		m.Tests = append(m.Tests, r)
	}
	return sdk.Validate(r)
}

// Checkpoint forgets: a test's harvest is not taken up again.
func (m *Sink) Checkpoint([]byte) error { return nil }

// Progress is not kept.
func (m *Sink) Progress(int64, int64, string) error { return nil }

// ScopeDone keeps the scope.
func (m *Sink) ScopeDone(scope string) error {
	m.Done = append(m.Done, scope)
	return nil
}

// Note keeps the note by its code.
func (m *Sink) Note(n sdk.Note) error {
	m.Notes[n.Code] = append(m.Notes[n.Code], n)
	return nil
}

// Named finds an asset by its name, for tests of one namespace; nil where there is none.
func (m *Sink) Named(name string) *sdk.Asset { return m.named[name] }

// Edge finds an edge by FROM -> TO; nil where there is none.
func (m *Sink) Edge(ends string) *sdk.Edge { return m.ByEnds[ends] }

// Field finds a field of an asset by the names of both, or gives an empty one.
func (m *Sink) Field(asset, name string) sdk.Field {
	if a := m.named[asset]; a != nil {
		for _, f := range a.Fields {
			if f.Name == name {
				return f
			}
		}
	}
	return sdk.Field{}
}

// Noted gives the samples of the notes with the code.
func (m *Sink) Noted(code string) []string {
	var samples []string
	for _, n := range m.Notes[code] {
		samples = append(samples, n.Sample)
	}
	return samples
}

// SortedEdges are the edges in an order of their own.
func (m *Sink) SortedEdges() []string { return slices.Sorted(slices.Values(m.Edges)) }

// SortedDone are the scopes that are done, by name.
func (m *Sink) SortedDone() []string { return slices.Sorted(slices.Values(m.Done)) }

// ClassOf is the class of an error, or "" where it has none.
func ClassOf(err error) sdk.Class {
	e, ok := errors.AsType[*sdk.Error](err)
	if !ok {
		return ""
	}
	return e.Class
}
