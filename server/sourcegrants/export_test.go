package sourcegrants

import (
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// Anew lets the next round look at everything, as after surveyEach.
func (s *Service) Anew() { s.surveyed = time.Time{} }

// Surveying tells whether a survey is at work.
func (s *Service) Surveying() bool { return s.survey != nil }

// Hear tells of records that were written, as the feed would.
func (s *Service) Hear(kind store.Kind, ids ...model.ID) {
	for _, id := range ids {
		s.news.hear(model.Event{Touched: []model.Touch{{Kind: string(kind), ID: id}}})
	}
}
