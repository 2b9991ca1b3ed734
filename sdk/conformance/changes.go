package conformance

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// strange is a watermark that no plugin has given.
const strange = "souk: nobody has given this watermark"

// changes wants a harvest since a watermark to find, together with what was known,
// exactly what a harvest of everything does: when nothing has changed, after each
// mutation, and when its ground is gone.
func (s *suite) changes() {
	d := s.description()
	switch {
	case d == nil:
		return
	case !slices.Contains(d.Info.Offers, sdk.OffersChanges):
		s.skip("it offers no changes")
		return
	}
	clean := s.cleanHarvest()
	if clean == nil {
		return
	}
	for _, w := range s.ways {
		if first := s.since(w, nil, "the harvest of everything"); first != nil {
			s.followed(w, clean, first)
		}
	}
}

// followed goes on from the watermark of the first harvest.
func (s *suite) followed(w way, clean, first *harvest) {
	if diff := difference(clean.lines(), first.lines()); diff != "" {
		s.problem("%s, without a watermark, it does not tell what it tells to a host that knows of none:\n%s", w.where(), diff)
	}
	if len(first.watermark) == 0 {
		s.problem("%s it gives no watermark for the fixture's source", w.where())
		return
	}
	s.still(w, clean, first.watermark)
	s.expired(w)
	in := s.good()
	in.changes = true
	s.interrupted(clean, 1+rand.IntN(len(clean.order)), w, in) //nolint:gosec // where a test interrupts is no secret
	for _, m := range s.fixture.Mutations {
		s.changed(w, clean, first.watermark, m)
	}
}

// since harvests what has changed since the watermark, or everything.
func (s *suite) since(w way, mark sdk.Watermark, what string) *harvest {
	h, in := newHarvest(s.ctx), s.good()
	in.changes, in.watermark = true, mark
	if _, err := w.harvest(h, in); err != nil {
		s.problem("%s %s ends badly: %s", w.where(), what, describeError(err))
		return nil
	}
	s.say("a watermark", stateText(h.watermark))
	if len(h.watermark) > harvestv1.MaxWatermarkBytes {
		s.problem("%s the watermark of %s has %d bytes, and %d is the limit", w.where(), what, len(h.watermark), harvestv1.MaxWatermarkBytes)
	}
	for _, key := range h.doubled {
		s.problem("%s, in %s, comes twice: %s", w.where(), what, key)
	}
	return h
}

// still wants a source that is as it was to cost nothing.
func (s *suite) still(w way, clean *harvest, mark sdk.Watermark) {
	h := s.since(w, mark, "the harvest since a watermark, of a source that is as it was,")
	if h == nil {
		return
	}
	if len(h.order) > 0 || len(h.gone) > 0 {
		s.problem("%s it sends %d records and names %d assets as gone since a watermark, of a source that is as it was", w.where(), len(h.order), len(h.gone))
	}
	for _, scope := range clean.scopes {
		if !slices.Contains(h.staying, scope) {
			s.problem("%s it does not call the scope %s kept, which is as it was", w.where(), scope)
		}
	}
	if len(h.watermark) == 0 {
		s.problem("%s it gives no watermark where nothing has changed", w.where())
	}
}

// expired wants a watermark that is not the plugin's to be refused as such: to
// take it for a place to go on from would lose what has changed.
func (s *suite) expired(w way) {
	in := s.good()
	in.changes, in.watermark = true, sdk.Watermark(strange)
	_, err := w.harvest(newHarvest(s.ctx), in)
	code := ""
	if e, ok := errors.AsType[*sdk.Error](err); ok {
		code = e.Code
	}
	if f, ok := errors.AsType[*host.Failure](err); ok {
		code = f.Code
	}
	if code != host.CodeExpired {
		s.problem("%s a watermark that it has not given is not refused by sdk.Expired: %v", w.where(), err)
	}
}

// changed changes the source, and wants what is told of it to lead to what a
// harvest of everything finds; and back again.
func (s *suite) changed(w way, clean *harvest, mark sdk.Watermark, m Mutation) {
	if err := m.Do(s.ctx); err != nil {
		s.problem("%s: the fixture cannot change its source: %v", m.Name, err)
		return
	}
	after := newHarvest(s.ctx)
	_, err := w.harvest(after, s.good())
	if err == nil {
		mark = s.leads(w, clean, after, mark, m.Name)
	}
	if undone := m.Undo(context.WithoutCancel(s.ctx)); err != nil || undone != nil {
		s.problem("%s: the harvest ends badly, or the fixture cannot undo the change: %v", m.Name, errors.Join(err, undone))
		return
	}
	if len(mark) > 0 {
		s.leads(w, after, clean, mark, m.Name+", undone")
	}
}

// leads wants what is told since the watermark to lead from one state to another.
func (s *suite) leads(w way, from, to *harvest, mark sdk.Watermark, what string) sdk.Watermark {
	h := s.since(w, mark, "the harvest since a watermark, after the change "+what+",")
	if h == nil {
		return nil
	}
	if diff := difference(linesOf(to.records), linesOf(from.with(h))); diff != "" {
		s.problem("%s: %s what is told since a watermark does not lead to what a harvest of everything finds:\n%s", what, w.where(), diff)
	}
	for _, id := range h.gone {
		if _, there := to.records[keyOf(&sdk.Asset{ID: id})]; there {
			s.problem("%s: %s it names as gone what is there: %s", what, w.where(), id.Name)
		}
	}
	return h.watermark
}

// with gives the records that are known once the changes have been told.
func (h *harvest) with(changes *harvest) map[string]string {
	known := map[string]string{}
	for _, r := range h.order {
		if !changes.replaces(r) {
			known[keyOf(r)] = lineOf(r)
		}
	}
	maps.Copy(known, changes.records)
	return known
}

// replaces reports a record that does not stand any more unless it is told again.
func (h *harvest) replaces(r sdk.Record) bool {
	scope, about := "", []sdk.NativeID(nil)
	switch r := r.(type) {
	case *sdk.Asset:
		scope, about = r.Scope, []sdk.NativeID{r.ID}
	case *sdk.Edge:
		scope, about = r.Scope, []sdk.NativeID{r.From, r.To}
	case *sdk.Quality:
		scope, about = r.Scope, []sdk.NativeID{r.Asset}
	}
	return slices.Contains(h.scopes, scope) ||
		slices.ContainsFunc(about, func(id sdk.NativeID) bool { return slices.Contains(h.gone, id) })
}

// ScopeKept keeps the scope.
func (h *harvest) ScopeKept(scope string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.staying = append(h.staying, scope)
	return h.ctx.Err()
}

// Gone keeps the name.
func (h *harvest) Gone(_ string, asset sdk.NativeID) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gone = append(h.gone, asset)
	return h.ctx.Err()
}

var (
	_ sdk.ChangeSink = inProcess{}
	_ host.Follower  = overPipe{}
)
