package sourcegrants

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// mostSurveyed is how many grants a survey looks at before something else may come
// first.
const mostSurveyed = 1000

// survey is a look at every grant that lives, at every team that has a role, and
// at every right that shall be in a source though its grant is over. It goes on
// from round to round, so that what is urgent waits for a part of it alone.
type survey struct {
	begun time.Time
	next  func() (model.Grant, error, bool)
	stop  func()
	seen  map[model.ID]bool

	trouble error // the first; it holds up no other grant
}

// resurvey begins one, anew where one is at work: what it has looked at by then it
// has seen as it was before.
func (s *Service) resurvey(ctx context.Context) (err error) {
	s.endSurvey()
	if s.readers, err = readReaders(ctx, s.store); err != nil {
		return err
	}
	live := store.Query{Index: "by_status", Where: store.Eq("status", string(model.GrantActive)), Limit: store.MaxPage}
	next, stop := iter.Pull2(store.Grants.All(ctx, s.store, live))
	s.survey = &survey{begun: s.now(), next: next, stop: stop, seen: map[model.ID]bool{}}
	return nil
}

func (s *Service) endSurvey() {
	if s.survey != nil {
		s.survey.stop()
		s.survey = nil
	}
}

// goOn looks at the next part, and at the rest when the grants are through.
func (s *Service) goOn(ctx context.Context) error {
	if s.survey == nil {
		return nil
	}
	v, more := s.newView(s.readers), s.readers.gives()
	for n := 0; more && n < mostSurveyed; n += store.MaxIn {
		var part []model.Grant
		for more && len(part) < store.MaxIn {
			g, err, has := s.survey.next()
			if err != nil {
				return err
			}
			if more = has; has {
				part = append(part, g)
				s.survey.seen[g.ID] = true
			}
		}
		s.survey.trouble = cmp.Or(s.survey.trouble, v.settle(ctx, part))
	}
	if more {
		s.news.wake()
		return nil
	}
	err := cmp.Or(s.survey.trouble, s.finish(ctx, v))
	if err == nil {
		s.surveyed = s.survey.begun
		s.endSurvey()
	}
	return err
}

// finish looks at the teams, and at what is left of grants that live no more.
func (s *Service) finish(ctx context.Context, v *view) error {
	if !v.gives() {
		return nil
	}
	over, teams, err := s.unseen(ctx, s.survey.seen)
	if err != nil {
		return err
	}
	teams = slices.AppendSeq(teams, maps.Keys(v.teams))
	return errors.Join(s.settleAll(ctx, v, over), v.settleTeams(ctx, unique(teams)))
}

func unique(ids []model.ID) []model.ID { return slices.Compact(slices.Sorted(slices.Values(ids))) }

// unseen finds what shall be in a source for a grant that was not seen, and the
// teams that have something in one.
func (s *Service) unseen(ctx context.Context, seen map[model.ID]bool) (over, teams []model.ID, err error) {
	for _, state := range []model.SourceGrantState{model.SourceGrantPending, model.SourceGrantApplied, model.SourceGrantFailed} {
		q := store.Query{Index: "by_state", Where: store.And(store.Eq("state", string(state)), store.Exists("wants")), Limit: store.MaxPage, Budget: wide}
		for row, err := range store.SourceGrants.All(ctx, s.store, q) {
			switch {
			case err != nil:
				return nil, nil, err
			case row.TeamID != "":
				teams = append(teams, row.TeamID)
			case !seen[row.GrantID]:
				over, seen[row.GrantID] = append(over, row.GrantID), true
			}
		}
	}
	return over, teams, nil
}

// wide is the budget of a query whose rows are few beside those it looks at.
const wide = 1_000_000

// look looks at what the news can have touched.
func (s *Service) look(ctx context.Context, h heard) error {
	over, err := s.overdue(ctx)
	if err != nil {
		return err
	}
	holders, all, err := s.heardOfReaders(ctx, h)
	switch {
	case err != nil:
		return err
	case all:
		return s.resurvey(ctx)
	case !s.readers.gives():
		return nil
	}
	teams, err := s.readers.renew(ctx, s.store, slices.Sorted(maps.Keys(h.principals)))
	if err != nil {
		return err
	}
	grants, err := s.touched(ctx, h, holders)
	if err != nil {
		return err
	}
	for _, id := range holders {
		if id.Prefix() == model.PrefixTeam {
			teams = append(teams, id)
		}
	}
	v := s.newView(s.readers)
	return errors.Join(s.settleAll(ctx, v, unique(append(grants, over...))), v.settleTeams(ctx, unique(teams)))
}

// overdue are the grants whose end has come though nobody has ended them yet.
func (s *Service) overdue(ctx context.Context) (ids []model.ID, err error) {
	past := store.And(store.Eq("status", string(model.GrantActive)), store.Between("ends", nil, s.now()))
	for g, err := range store.Grants.All(ctx, s.store, store.Query{Index: "by_status", Where: past, Limit: store.MaxPage}) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, g.ID)
	}
	return ids, nil
}

// heardOfReaders reads anew who reads where, if the news is of that, and tells
// whose role has changed, or that everything is to be looked at.
func (s *Service) heardOfReaders(ctx context.Context, h heard) (holders []model.ID, all bool, err error) {
	if s.readers == nil {
		return nil, true, nil
	}
	if !h.roles {
		return nil, false, nil
	}
	before := s.readers
	if s.readers, err = readReaders(ctx, s.store); err != nil {
		s.readers = nil
		return nil, false, err
	}
	return s.readers.changed(before), s.readers.moved(before), nil
}

// touched are the grants that the news is of: themselves, those of the principals
// and on the products, and on the products that offer the assets.
func (s *Service) touched(ctx context.Context, h heard, holders []model.ID) ([]model.ID, error) {
	found := slices.Collect(maps.Keys(h.grants))
	for _, id := range unique(slices.AppendSeq(holders, maps.Keys(h.principals))) {
		if err := s.liveOf(ctx, &found, "by_principal", "principal", id); err != nil {
			return nil, err
		}
	}
	products := slices.Collect(maps.Keys(h.products))
	for _, id := range slices.Sorted(maps.Keys(h.assets)) {
		q := store.Query{Index: "by_asset", Where: store.Eq("asset", string(id)), Limit: store.MaxPage}
		for p, err := range store.Products.All(ctx, s.store, q) {
			if err != nil {
				return nil, err
			}
			products = append(products, p.ID)
		}
	}
	for _, id := range unique(products) {
		if err := s.liveOf(ctx, &found, "by_product", "product", id); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// liveOf adds the live grants of one principal, or on one product.
func (s *Service) liveOf(ctx context.Context, found *[]model.ID, index string, path store.Path, id model.ID) error {
	q := store.Query{Index: index, Where: store.And(store.Eq(path, string(id)), store.Eq("status", string(model.GrantActive))), Limit: store.MaxPage, Budget: wide}
	for g, err := range store.Grants.All(ctx, s.store, q) {
		if err != nil {
			return err
		}
		*found = append(*found, g.ID)
	}
	return nil
}

// settleAll settles the grants that exist among the ids. Trouble with some holds
// up none of the others.
func (s *Service) settleAll(ctx context.Context, v *view, ids []model.ID) error {
	var trouble error
	for part := range slices.Chunk(ids, store.MaxIn) {
		grants, err := store.Grants.GetMany(ctx, s.store, part...)
		trouble = errors.Join(trouble, err, v.settle(ctx, grants))
	}
	return trouble
}
