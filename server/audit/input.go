package audit

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/souk-mesh/souk/graph/model"
)

// Input gives the question of a decision without what the viewer may not see,
// by the rule that explanations follow: whoever asked in vain for a product
// learns nothing about it from the log. It is nil when the log holds none.
func (s *Service) Input(ctx context.Context, d model.DecisionRecord) (json.RawMessage, error) {
	if len(d.Input) == 0 {
		return nil, nil
	}
	about, err := s.about(ctx, d)
	if err != nil {
		return nil, err
	}
	seen, err := s.sight(ctx, d, about)
	if err != nil {
		return nil, err
	}
	var question map[string]any
	read := json.NewDecoder(bytes.NewReader(d.Input))
	read.UseNumber()
	if err := read.Decode(&question); err != nil {
		return nil, err
	}
	seen.masked = nil // these stand as hashes already
	seen.strip("", question)
	return json.Marshal(question)
}

// strip takes out of an object of the input what is hidden.
func (v sight) strip(at string, object map[string]any) {
	for name, value := range object {
		path := at + name
		if inner, ok := value.(map[string]any); ok {
			v.strip(path+".", inner)
		} else if v.hides(path) {
			delete(object, name)
		}
	}
}
