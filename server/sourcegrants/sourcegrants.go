// Package sourcegrants owns what grants mean in the systems that are harvested:
// which role of a source somebody reads by, and the work that brings a source to
// have exactly the rights of the grants that live. It decides nothing that a
// grant and the policies have not decided, names no role by itself, and calls
// done only what the source has confirmed.
package sourcegrants

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// How the work goes.
const (
	lookEach   = 5 * time.Second  // how often a server looks for work
	surveyEach = 5 * time.Minute  // how often all grants are looked at, whatever the feed has told
	laterEach  = 30 * time.Second // how often because of assets, of which a harvest changes one after the other
	checkEach  = 10 * time.Minute // how often a source is compared with what it shall have
	holdFor    = 3 * time.Minute  // how long a server may work on a source before another takes over
	patience   = 90 * time.Second // with one right
	together   = 4                // sources that are worked on at once, so that one that hangs holds up no other
	mostAtOnce = 200              // rights that are given in a source before something else may come first
)

// plugins launches the plugin of a source for one call. The error is a
// *host.Failure, unless it is the call's own.
type plugins interface {
	Use(ctx context.Context, source model.Source, log *slog.Logger, call func(context.Context, *host.Process, map[string]string) error) error
}

// Config is what the service needs.
type Config struct {
	Store   store.Store
	Gate    *gate.Gate
	Plugins plugins
	Now     func() time.Time
	Log     *slog.Logger
}

// Service keeps the roles and the rights.
type Service struct {
	store   store.Store
	gate    *gate.Gate
	plugins plugins
	now     func() time.Time
	log     *slog.Logger
	name    string // of this server among those on the same store

	news     *news
	surveyed time.Time // this and the following only Run touches
	late     time.Time // when what can wait was looked at
	readers  *readers
	survey   *survey // nil where none is at work
}

// New makes the service. Nothing is given before Run is called.
func New(cfg Config) *Service {
	return &Service{
		store: cfg.Store, gate: cfg.Gate, plugins: cfg.Plugins, now: cfg.Now, log: cfg.Log, name: string(model.NewID(model.PrefixGranting)), news: &news{come: make(chan struct{}, 1)},
	}
}

// Run brings the sources to have what they shall have, until the context ends.
// The context's principal must be the system.
func (s *Service) Run(ctx context.Context) {
	var feed sync.WaitGroup
	feed.Go(func() { s.news.follow(ctx, s.store) })
	defer feed.Wait()
	defer s.endSurvey()
	tick := time.NewTicker(lookEach)
	defer tick.Stop()
	for {
		if err := s.Tend(ctx); err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "the rights in the sources could not be tended; it is tried again soon", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.news.come:
		}
	}
}

// Tend does one round: what has changed is turned into work, and the work that is
// due is done.
func (s *Service) Tend(ctx context.Context) error {
	now := s.now()
	late := now.Sub(s.late) >= laterEach
	if late {
		s.late = now
	}
	h := s.news.take(late)
	var err error
	if h.all || h.soon || s.survey == nil && now.Sub(s.surveyed) >= surveyEach {
		err = s.resurvey(ctx)
	} else {
		err = s.look(ctx, h)
	}
	if err = errors.Join(err, s.goOn(ctx)); err != nil { // so that nothing of what was heard is lost
		s.endSurvey()
		s.news.later()
	}
	return errors.Join(err, s.labour(ctx))
}
