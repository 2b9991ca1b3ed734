package killtest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

const writers = 4

// Write makes changes from several goroutines and reports the request of each
// one that the store has acknowledged, until the store refuses one or the
// context ends. Every change writes two tables: it creates, replaces or
// removes a domain and a team, whose names are the request.
func Write(ctx context.Context, s store.Store, acknowledge func(request string)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var work sync.WaitGroup
	for range writers {
		work.Go(func() { cancel(writeOn(ctx, s, acknowledge)) })
	}
	work.Wait()
	return context.Cause(ctx)
}

// pair is what one change writes.
type pair struct {
	domain model.Domain
	team   model.Team
}

func writeOn(ctx context.Context, s store.Store, acknowledge func(string)) error {
	var own []pair // what this writer has made and nobody else touches
	for {
		change, p, at := next(own)
		event, err := s.Apply(ctx, change)
		if err != nil {
			return fmt.Errorf("%s: %w", change.Action, err)
		}
		acknowledge(change.Request)
		switch {
		case event.Touched[0].Deleted:
			own[at] = own[len(own)-1]
			own = own[:len(own)-1]
		case at < len(own):
			own[at] = p.at(event)
		default:
			own = append(own, p.at(event))
		}
	}
}

// at gives the pair the revisions that the event tells of.
func (p pair) at(e model.Event) pair {
	p.domain.Revision, p.team.Revision = e.Touched[0].Revision, e.Touched[1].Revision
	return p
}

// next makes a change: half of them create, and of the others two thirds
// replace and one third removes. It gives the pair and its place in own.
func next(own []pair) (store.Change, pair, int) {
	request := string(model.NewID("req"))
	name := model.Slug(strings.TrimPrefix(request, "req_"))
	c := store.Change{Actor: "prn_killtest", Request: request}
	at := len(own)
	if len(own) > 0 && rand.N(2) == 0 {
		at = rand.N(len(own))
	}
	p := pair{domain: model.Domain{Meta: model.Meta{ID: model.NewID(model.PrefixDomain)}}, team: model.Team{Meta: model.Meta{ID: model.NewID(model.PrefixTeam)}}}
	if at < len(own) {
		p = own[at]
	}
	p.domain.Name, p.team.Name = name, name
	c.Subject, c.Action, c.Writes = p.domain.ID, "pair.put", []store.Write{store.Domains.Put(p.domain), store.Teams.Put(p.team)}
	if at < len(own) && rand.N(3) == 0 {
		c.Action, c.Writes = "pair.remove", []store.Write{store.Domains.Delete(p.domain), store.Teams.Delete(p.team)}
	}
	return c, p, at
}
