package harvest

import (
	"context"
	"time"

	"github.com/souk-mesh/souk/graph/model"
)

// Tick does one round of the background work.
func (s *Service) Tick(ctx context.Context) { s.tick(ctx) }

// Refresh makes the run say that it lives, as it does from time to time.
func (s *Service) Refresh(id model.ID) {
	if x := s.executionOf(id); x != nil {
		x.writing.Lock()
		x.written = time.Time{}
		x.writing.Unlock()
		x.refresh()
	}
}

// Silence lets time pass for the runs of other servers, without a word of them.
func (s *Service) Silence(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, p := range s.pulses {
		p.since = p.since.Add(-d)
		s.pulses[id] = p
	}
}
