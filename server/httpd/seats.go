package httpd

import (
	"context"
	"net/http"
	"sync"

	"github.com/souk-mesh/souk/graph/model"
)

// seats counts the open streams, so that neither all together nor one principal
// alone takes more than there are.
type seats struct {
	all, each int
	told      func(change int)

	mu    sync.Mutex
	taken int
	by    map[model.ID]int
}

func newSeats(cfg Config) *seats {
	told := cfg.Streaming
	if told == nil {
		told = func(int) {}
	}
	return &seats{all: cfg.MaxStreams, each: cfg.MaxStreamsEach, told: told, by: map[model.ID]int{}}
}

// take gives a seat, or says why there is none.
func (s *seats) take(who model.ID) *refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.by[who] >= s.each:
		return refuse(http.StatusTooManyRequests, CodeTooManyStreams, "you have %d streams open, which is the limit for one principal; close one first", s.each)
	case s.taken >= s.all:
		return refuse(http.StatusServiceUnavailable, CodeTooManyStreams, "as many streams are open as may be (%d); come back later", s.all)
	}
	s.taken++
	s.told(1)
	s.by[who]++
	return nil
}

// leave gives a seat back.
func (s *seats) leave(who model.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken--
	s.told(-1)
	if s.by[who]--; s.by[who] == 0 {
		delete(s.by, who)
	}
}

// holder is who a stream is for; nobody where the door lets everybody in.
func holder(ctx context.Context) model.Principal {
	who, err := model.PrincipalFrom(ctx)
	if err != nil {
		return model.Principal{}
	}
	return who
}
