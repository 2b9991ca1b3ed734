package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
)

// Inputs gives the questions of decisions, by their ids, without what the
// viewer may not see, by the rule that explanations follow: whoever asked in
// vain for a product learns nothing about it from the log. Of decisions whose
// input the log does not hold there is none.
func (s *Service) Inputs(ctx context.Context, rows ...model.DecisionRecord) (map[model.ID]json.RawMessage, error) {
	subjects, err := s.abouts(ctx, rows...)
	if err != nil {
		return nil, err
	}
	about := make([]policy.Resource, len(rows))
	for i, of := range subjects {
		about[i] = of.Resource
	}
	redactions, err := s.redactions(ctx, s.gate.Session(), rows, about)
	if err != nil {
		return nil, err
	}
	inputs := make(map[model.ID]json.RawMessage, len(rows))
	for i, d := range rows {
		if len(d.Input) == 0 {
			continue
		}
		if inputs[d.ID], err = redactions[i].of(d.Input); err != nil {
			return nil, fmt.Errorf("read the input of %s: %w", d.ID, err)
		}
	}
	return inputs, nil
}

// of gives the input without what is hidden. What is masked stands as hashes
// already and stays.
func (v redaction) of(input json.RawMessage) (json.RawMessage, error) {
	var question map[string]any
	read := json.NewDecoder(bytes.NewReader(input))
	read.UseNumber()
	if err := read.Decode(&question); err != nil {
		return nil, err
	}
	v.masked = nil
	v.strip("", question)
	return json.Marshal(question)
}

// strip takes out of an object of the input what is hidden.
func (v redaction) strip(at string, object map[string]any) {
	for name, value := range object {
		path := at + name
		if inner, ok := value.(map[string]any); ok {
			v.strip(path+".", inner)
		} else if v.hides(path) {
			delete(object, name)
		}
	}
}
