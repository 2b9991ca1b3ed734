package governance

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// Check looks the draft over. It goes on when it compiles inside the sandbox;
// otherwise it stays, or becomes again, a draft with its problems.
func (s *Service) Check(ctx context.Context, id model.ID) (model.PolicyProposal, error) {
	in := s.gate.Session()
	p, answer, err := s.examine(ctx, in, id)
	if err != nil {
		return p, err
	}
	r, d, err := s.draftOf(ctx, p)
	if err != nil {
		return p, err
	}
	hash, problems := s.lookOver(ctx, d)
	if err := ctx.Err(); err != nil {
		return p, err
	}
	problems = append(problems, s.unknownDomains(ctx, d)...)
	var writes []store.Write
	if broken(problems) {
		sendBack(&p)
	} else {
		if err := p.Move(model.ProposalChecked); err != nil {
			return p, err
		}
		if hash != r.Hash { // the engine or the library is another one now
			r = revisionOf(d, hash, r.AuthorID)
			if writes, err = s.keep(ctx, r); err != nil {
				return p, err
			}
			p.RevisionID = r.ID
		}
		forget(&p)
	}
	p.Problems = problems
	return s.put(ctx, in, "policy.check", p, "", answer, writes...)
}

// lookOver is the engine's check, and one more: the platform's own rules must
// leave somebody a way back out of them.
func (s *Service) lookOver(ctx context.Context, d policy.Draft) (string, []model.PolicyProblem) {
	hash, problems := s.engine.Check(ctx, d)
	if s.engine.LocksOut(ctx, d) {
		problems = append(problems, model.PolicyProblem{
			Severity: "error", Code: "policy.lockout", File: d.Modules[0].Path,
			Message: "under these rules nobody could return the platform to its earlier rules",
			Fix:     "keep a rule that allows policy.rollback to administrators",
		})
	}
	return hash, problems
}

// unknownDomains finds rules about domains that there are none of. A store that
// cannot be read keeps nobody from a draft. All domains are looked at, since the
// platform's rules let everybody know of them. Rules that are in force, or were,
// are not held to it: domains may be renamed.
func (s *Service) unknownDomains(ctx context.Context, d policy.Draft) []model.PolicyProblem {
	var known []model.Slug
	for domain, err := range store.Domains.All(ctx, s.store, store.Query{Index: "by_name", Limit: store.MaxPage}) {
		if err != nil {
			return nil
		}
		known = append(known, domain.Name)
	}
	return policy.UnknownDomains(d, known, false)
}

// Test runs the tests of the draft in a child process. It goes on when they
// pass and cover it, and stays checked otherwise.
func (s *Service) Test(ctx context.Context, id model.ID) (model.PolicyProposal, error) {
	in := s.gate.Session()
	p, answer, err := s.examine(ctx, in, id)
	if err != nil {
		return p, err
	}
	if p.Status == model.ProposalDraft {
		return p, model.Conflict("status", "the draft has not been checked", "check it first; what does not compile cannot be tested")
	}
	_, d, err := s.draftOf(ctx, p)
	if err != nil {
		return p, err
	}
	tests, err := s.engine.Test(ctx, d)
	if err != nil {
		return p, err
	}
	to := model.ProposalChecked
	if tests.OK() {
		to = model.ProposalTested
	}
	if err := p.Move(to); err != nil {
		return p, err
	}
	forget(&p)
	p.Tests = &tests
	return s.put(ctx, in, "policy.test", p, "", answer)
}

// examine loads a proposal for a step that leaves its rules as they are.
// Whoever writes rules for the domain may take it, not the author alone.
func (s *Service) examine(ctx context.Context, in *gate.Session, id model.ID) (model.PolicyProposal, gate.Answer, error) {
	p, _, err := s.see(ctx, in, id)
	if err != nil {
		return p, gate.Answer{}, err
	}
	answer, err := in.Require(ctx, model.ActPolicyDraft, s.gate.Policy(p.Domain))
	if err != nil {
		return p, answer, err
	}
	if !p.Open() || p.Status == model.ProposalApproved {
		err = model.Conflict("status", "the proposal is "+string(p.Status)+" already", "")
	}
	return p, answer, err
}
