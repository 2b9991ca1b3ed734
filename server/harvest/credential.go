package harvest

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// Cleanse takes out of the sources of an older program what got into their
// configuration and looks like a credential, and gives their names.
func (s *Service) Cleanse(ctx context.Context) ([]model.Slug, error) {
	var cleansed []model.Slug
	for source, err := range store.Sources.All(ctx, s.store, store.Query{Index: "named", Limit: store.MaxPage}) {
		if err != nil {
			return cleansed, err
		}
		document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(source.Config)))
		if err != nil {
			continue // what is no JSON was never taken
		}
		cleaned, found := s.finder.Clean("", document)
		if found == "" {
			continue
		}
		if source.Config, err = json.Marshal(cleaned); err != nil {
			return cleansed, err
		}
		_, err = s.store.Apply(ctx, store.Change{
			Actor: model.System().ID, Action: "source.cleanse", Subject: source.ID, Reason: "a credential stood in " + clip(found, 200), Writes: []store.Write{store.Sources.Put(source)},
		})
		if err != nil && !model.LostRace(err) {
			return cleansed, err
		}
		cleansed = append(cleansed, source.Name)
	}
	return cleansed, nil
}
