package plugintest

import "github.com/souk-mesh/souk/sdk"

// Memory is a sink that keeps everything, for tests of one thing that a harvest
// finds. It refuses what the host would refuse.
type Memory struct {
	Assets map[string]*sdk.Asset // by name
	Edges  map[string]*sdk.Edge  // by "FROM -> TO"
	Tests  []*sdk.Quality
	Done   []string // scopes
	Notes  []sdk.Note
}

// NewMemory makes an empty one.
func NewMemory() *Memory {
	return &Memory{Assets: map[string]*sdk.Asset{}, Edges: map[string]*sdk.Edge{}}
}

// Emit keeps the record.
func (m *Memory) Emit(r sdk.Record) error {
	if err := sdk.Validate(r); err != nil {
		return err
	}
	switch r := r.(type) {
	case *sdk.Asset:
		m.Assets[r.ID.Name] = r
	case *sdk.Edge:
		m.Edges[r.From.Name+" -> "+r.To.Name] = r
	case *sdk.Quality:
		m.Tests = append(m.Tests, r)
	}
	return nil
}

// Checkpoint keeps nothing.
func (m *Memory) Checkpoint([]byte) error { return nil }

// ScopeDone keeps the scope.
func (m *Memory) ScopeDone(scope string) error {
	m.Done = append(m.Done, scope)
	return nil
}

// Progress keeps nothing.
func (m *Memory) Progress(int64, int64, string) error { return nil }

// Note keeps the note.
func (m *Memory) Note(n sdk.Note) error {
	m.Notes = append(m.Notes, n)
	return nil
}

// Noted gives the samples of the notes with the code.
func (m *Memory) Noted(code string) []string {
	var samples []string
	for _, n := range m.Notes {
		if n.Code == code {
			samples = append(samples, n.Sample)
		}
	}
	return samples
}

// Field finds a field of an asset by its name, or gives an empty one.
func (m *Memory) Field(asset, name string) sdk.Field {
	if a := m.Assets[asset]; a != nil {
		for _, f := range a.Fields {
			if f.Name == name {
				return f
			}
		}
	}
	return sdk.Field{}
}
