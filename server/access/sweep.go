package access

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// How often the sweep looks, and how long a request may wait for its votes.
// A grant does not count beyond its end even if no sweep comes by.
const (
	sweepEvery = 30 * time.Second
	PendingFor = 30 * 24 * time.Hour
)

// Run ends what is over, now and every half minute, until the context ends.
func (s *Service) Run(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "ending what is over went wrong; it is tried again in half a minute", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Sweep closes the grants whose end has come and the requests that nobody
// answered in time, each in a change of its own.
func (s *Service) Sweep(ctx context.Context) error {
	ctx = model.WithPrincipal(ctx, model.System())
	at := model.Instant(s.now())
	return errors.Join(s.sweepGrants(ctx, at), s.sweepRequests(ctx, at))
}

func (s *Service) sweepGrants(ctx context.Context, at time.Time) error {
	over := store.And(store.Eq("status", model.GrantActive), store.Between("ends", nil, at.Add(time.Millisecond)))
	return each(store.Grants.All(ctx, s.store, store.Query{Index: "by_status", Where: over, Limit: store.MaxPage}), func(g model.Grant) error {
		if err := g.End(model.GrantExpired, at); err != nil {
			return err
		}
		res, err := s.gate.Grant(ctx, g)
		if err != nil {
			return err
		}
		return s.expire(ctx, "grant.expire", model.ActGrantRevoke, res, store.Grants.Put(g))
	})
}

func (s *Service) sweepRequests(ctx context.Context, at time.Time) error {
	stale := store.And(store.Eq("status", model.RequestPending), store.Between("created", nil, at.Add(-PendingFor)))
	return each(store.Requests.All(ctx, s.store, store.Query{Index: "by_status", Where: stale, Limit: store.MaxPage}), func(r model.AccessRequest) error {
		if err := r.Close(model.RequestExpired, at); err != nil {
			return err
		}
		res, err := s.gate.Request(ctx, r)
		if err != nil {
			return err
		}
		return s.expire(ctx, "request.expire", model.ActRequestCancel, res, store.Requests.Put(r))
	})
}

// each goes on behind a record that makes trouble, so that it does not hold up
// the others; after some trouble it gives up until the next sweep.
func each[T any](records iter.Seq2[T, error], end func(T) error) error {
	var trouble []error
	for n, err := range records {
		if err == nil {
			err = end(n)
		}
		if err != nil {
			trouble = append(trouble, err)
		}
		if len(trouble) == 10 {
			break
		}
	}
	return errors.Join(trouble...)
}

// expire writes what the clock has ended. The end was agreed when it began, so
// a domain whose rules would now refuse it cannot hold it up; its refusal is
// then no ground of the change and is left out. A record that somebody else
// closed meanwhile is left to them.
func (s *Service) expire(ctx context.Context, action string, act model.Action, res policy.Resource, w store.Write) error {
	in := s.gate.Session()
	answer, err := in.Ask(ctx, act, res, gate.Extra{})
	if err != nil {
		return err
	}
	if !answer.Allowed() {
		answer = gate.Answer{}
	}
	_, err = s.store.Apply(ctx, in.Change(ctx, action, res.ID, "its time is over", answer, w))
	if model.LostRace(err) {
		return nil
	}
	return err
}
