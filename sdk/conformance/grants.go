package conformance

import (
	"context"
	"errors"
	"slices"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
)

// Grants is what a plugin that offers grants is tried with.
type Grants struct {
	Grant        sdk.Grant                   // of a role that can read nothing of the asset
	Change, Undo func(context.Context) error // by another hand, of what the grant is about
}

// grants wants a plan to have no effect, applying to be the plan and once, another
// hand to be noticed and what it has given to be spared, and the source to be as
// before when the grant is over.
func (s *suite) grants() {
	d, given := s.description(), s.fixture.Grants
	switch {
	case d == nil:
		return
	case !slices.Contains(d.Info.Offers, sdk.OffersGrants):
		s.skip("it offers no grants")
		return
	case given == nil:
		s.skip("the fixture has no Grants, which a plugin that offers them is tried with")
		return
	}
	for _, w := range s.ways {
		if err := w.granting(s.ctx, s.good(), func(g sdk.Granter) error { return s.granted(g, given, w.where()) }); err != nil {
			s.problem("%s: %s", w.where(), describeError(err))
		}
	}
}

// granted goes the whole way of one grant. An error ends it; what is wrong
// without being one is a problem.
func (s *suite) granted(g sdk.Granter, given *Grants, where string) error {
	before, err := s.held(g, given)
	if err != nil {
		return err
	}
	give, end := sdk.GrantRequest{Grant: given.Grant}, sdk.GrantRequest{Grant: given.Grant, Revoke: true}
	steps := []func() error{
		func() error { return s.planned(g, give, where) },
		func() error { return s.unchanged(g, given, before, where+" to plan has an effect") },
		func() error { return s.overtaken(g, given, where) },
		func() error { return s.unchanged(g, given, before, where+" a plan that is refused has an effect") },
		func() error { return s.applied(g, give, where) },
		func() error { return s.listed(g, given, before, where) },
		func() error { return s.applied(g, end, where) },
		func() error {
			return s.unchanged(g, given, before, where+" the source is not as before when the grant is over")
		},
		func() error { return s.spared(g, given, where) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// planned wants the same plan twice, with something in it.
func (s *suite) planned(g sdk.Granter, r sdk.GrantRequest, where string) error {
	first, err := g.PlanGrant(s.ctx, r)
	if err != nil {
		return err
	}
	second, err := g.PlanGrant(s.ctx, r)
	s.say("a plan "+where, slices.Concat(first.Statements, first.Remarks)...)
	if len(first.Statements) == 0 || first.Precondition == "" {
		s.problem("%s the plan of a grant that is not there has no statement or no precondition", where)
	}
	if diff := difference([]string{encode(first)}, []string{encode(second)}); diff != "" {
		s.problem("%s a plan is another one the second time:\n%s", where, diff)
	}
	return err
}

// overtaken wants a plan to be refused when somebody has changed what it was made on.
func (s *suite) overtaken(g sdk.Granter, given *Grants, where string) error {
	if given.Change == nil || given.Undo == nil {
		s.problem("the fixture's Grants have no Change and Undo, by which another hand is noticed")
		return nil
	}
	r := sdk.GrantRequest{Grant: given.Grant}
	plan, err := g.PlanGrant(s.ctx, r)
	if err != nil {
		return err
	}
	if err := given.Change(s.ctx); err != nil {
		return err
	}
	outcome, err := g.ApplyGrant(s.ctx, r, plan)
	if err == nil && outcome != sdk.GrantChanged {
		s.problem("%s a plan is %s although the source has changed since", where, outcome)
	}
	return errors.Join(err, given.Undo(context.WithoutCancel(s.ctx)))
}

// spared wants what another hand has given to be there when the grant is over.
func (s *suite) spared(g sdk.Granter, given *Grants, where string) (err error) {
	if given.Change == nil || given.Undo == nil {
		return nil
	}
	if err := given.Change(s.ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, given.Undo(context.WithoutCancel(s.ctx))) }()
	g = nameless{g}
	before, err := s.held(g, given)
	if err != nil {
		return err
	}
	for _, revoke := range []bool{false, true} {
		r := sdk.GrantRequest{Grant: given.Grant, Revoke: revoke}
		plan, err := g.PlanGrant(s.ctx, r)
		if err != nil {
			return err
		}
		if _, err := g.ApplyGrant(s.ctx, r, plan); err != nil {
			return err
		}
	}
	return s.unchanged(g, given, before, where+" the end of the grant takes what another hand has given, or leaves something")
}

// applied wants it done once, and nothing left to do.
func (s *suite) applied(g sdk.Granter, r sdk.GrantRequest, where string) error {
	plan, err := g.PlanGrant(s.ctx, r)
	if err != nil {
		return err
	}
	for _, want := range []sdk.GrantOutcome{sdk.GrantDone, sdk.GrantAlready} {
		outcome, err := g.ApplyGrant(s.ctx, r, plan)
		if err != nil {
			return err
		}
		if outcome != want {
			s.problem("%s applying (revoke: %t) is %q, and should be %q", where, r.Revoke, outcome, want)
		}
	}
	left, err := g.PlanGrant(s.ctx, r)
	if err != nil {
		return err
	}
	if len(left.Statements) > 0 {
		s.problem("%s after it is applied (revoke: %t) there is still to do: %s", where, r.Revoke, left.Statements[0])
	}
	found, err := g.VerifyGrant(s.ctx, r.Grant)
	if err == nil && found.Given == r.Revoke {
		s.problem("%s after it is applied (revoke: %t) it verifies as given: %t", where, r.Revoke, found.Given)
	}
	if err == nil && r.Revoke && len(found.Readable) > 0 {
		s.problem("%s after the grant is over the role can still read %v", where, found.Readable)
	}
	return err
}

// listed wants what was given to be in the list, as the plugin's own.
func (s *suite) listed(g sdk.Granter, given *Grants, before []string, where string) error {
	now, err := s.held(g, given)
	if err != nil {
		return err
	}
	added := slices.DeleteFunc(slices.Clone(now), func(line string) bool { return slices.Contains(before, line) })
	if len(added) == 0 || len(now)-len(before) != len(added) {
		s.problem("%s what was given is not in the list, or something has gone from it:\n%s", where, difference(before, now))
	}
	return g.ListGrants(s.ctx, []string{given.Grant.Role}, func(h sdk.HeldGrant) error {
		if slices.Contains(added, encode(h)) && (!h.Ours || h.Role != given.Grant.Role || h.Asset != given.Grant.Asset) {
			s.problem("%s the list does not say that it is the grant's: %s", where, encode(h))
		}
		return nil
	})
}

func (s *suite) unchanged(g sdk.Granter, given *Grants, before []string, problem string) error {
	now, err := s.held(g, given)
	if diff := difference(before, now); err == nil && diff != "" {
		s.problem("%s:\n%s", problem, diff)
	}
	return err
}

func (s *suite) held(g sdk.Granter, given *Grants) (lines []string, err error) {
	err = g.ListGrants(s.ctx, []string{given.Grant.Role}, func(h sdk.HeldGrant) error {
		lines = append(lines, encode(h))
		return nil
	})
	s.say("a right", lines...)
	slices.Sort(lines)
	return lines, err
}

func (w *inside) granting(ctx context.Context, in input, use func(sdk.Granter) error) error {
	return w.open(ctx, in, func(source sdk.Source) error {
		g, ok := source.(sdk.Granter)
		if !ok {
			return errors.New("it says that it offers grants, and its source is no Granter")
		}
		return use(g)
	})
}

func (w *outside) granting(_ context.Context, in input, use func(sdk.Granter) error) error {
	_, err := w.launch(in.limits, func(p *host.Process) error {
		return use(piped{p, host.Access{Config: in.config, Secrets: in.secrets}})
	})
	return err
}

// nameless is a Granter whose list does not say who gave: some systems keep the last
// who has changed something, and no other.
type nameless struct{ sdk.Granter }

// ListGrants leaves the giver out.
func (n nameless) ListGrants(ctx context.Context, roles []string, emit func(sdk.HeldGrant) error) error {
	return n.Granter.ListGrants(ctx, roles, func(h sdk.HeldGrant) error {
		h.By = ""
		return emit(h)
	})
}

// piped is a Granter over the pipe.
type piped struct {
	process *host.Process
	access  host.Access
}

// ListGrants asks the process.
func (g piped) ListGrants(ctx context.Context, roles []string, emit func(sdk.HeldGrant) error) error {
	return g.process.ListGrants(ctx, g.access, roles, emit)
}

// PlanGrant asks the process.
func (g piped) PlanGrant(ctx context.Context, r sdk.GrantRequest) (sdk.GrantPlan, error) {
	return g.process.PlanGrant(ctx, g.access, r)
}

// ApplyGrant asks the process.
func (g piped) ApplyGrant(ctx context.Context, r sdk.GrantRequest, p sdk.GrantPlan) (sdk.GrantOutcome, error) {
	return g.process.ApplyGrant(ctx, g.access, r, p)
}

// VerifyGrant asks the process.
func (g piped) VerifyGrant(ctx context.Context, wanted sdk.Grant) (sdk.Effective, error) {
	return g.process.VerifyGrant(ctx, g.access, wanted)
}

var _ sdk.Granter = piped{}
