package governance

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// NewProposal asks to put rules in force: for whom, which and why.
type NewProposal struct {
	Domain      model.Slug // "" is the platform
	Modules     []model.PolicyModule
	Title       string
	Description string
}

// ProposalEdit changes a draft. Nil leaves a field alone.
type ProposalEdit struct {
	ID               model.ID
	Modules          *[]model.PolicyModule
	Title            *string
	Description      *string
	ExpectedRevision *model.Revision
}

// ProposalFilter narrows a list of proposals; empty fields do not.
type ProposalFilter struct {
	Domain   model.Slug
	Status   model.ProposalStatus
	AuthorID model.ID
}

// The bounds of what people write.
const (
	minTitle       = 3
	maxTitle       = 200
	maxDescription = 8000
	maxComment     = 4000
	maxComments    = 500
)

// Draft keeps the rules as a revision that never changes, and opens a proposal
// for it. Rules that do not compile are kept as well, with their problems: a
// draft binds nobody. An error of kind Invalid names a file outside of the
// domain's own folder.
func (s *Service) Draft(ctx context.Context, n NewProposal) (model.PolicyProposal, error) {
	var p model.PolicyProposal
	if err := n.check(); err != nil {
		return p, err
	}
	p, err := s.open(ctx, n)
	if model.LostRace(err) { // somebody has just drafted the same rules: now the revision is there
		p, err = s.open(ctx, n)
	}
	return p, err
}

func (s *Service) open(ctx context.Context, n NewProposal) (model.PolicyProposal, error) {
	var p model.PolicyProposal
	actor, err := model.PrincipalFrom(ctx)
	if err != nil {
		return p, err
	}
	in := s.gate.Session()
	if err := s.exists(ctx, in, n.Domain); err != nil {
		return p, err
	}
	answer, err := in.Require(ctx, model.ActPolicyDraft, s.gate.Policy(n.Domain))
	if err != nil {
		return p, err
	}
	p = model.PolicyProposal{
		Meta: model.Meta{ID: model.NewID(model.PrefixProposal)}, Domain: n.Domain, AuthorID: actor.ID,
		Title: n.Title, Description: n.Description, Status: model.ProposalDraft,
	}
	writes, err := s.compose(ctx, &p, n.Modules)
	if err != nil {
		return p, err
	}
	return s.put(ctx, in, string(model.ActPolicyDraft), p, n.Title, answer, writes...)
}

func (n NewProposal) check() error {
	if err := checkTitle(n.Title); err != nil {
		return err
	}
	if err := checkDescription(n.Description); err != nil {
		return err
	}
	return checkModules(n.Domain, n.Modules)
}

func checkTitle(t string) error {
	return model.Text{Field: "title", Least: minTitle, Most: maxTitle}.Check(t)
}

func checkDescription(d string) error {
	return model.Text{Field: "description", Most: maxDescription, Prose: true}.Check(d)
}

// exists reports a domain that there is none of; "" is the platform.
func (s *Service) exists(ctx context.Context, in *gate.Session, domain model.Slug) error {
	if domain == "" {
		return nil
	}
	d, err := store.DomainNamed(ctx, s.store, domain)
	if err == nil {
		in.Needs(store.Domains.Kind(), d.ID)
	}
	if model.Is(err, model.KindNotFound) {
		return model.Invalid("domain", "there is no such domain", "create it first, or look its name up")
	}
	return err
}

// UpdateDraft changes a proposal that is not in force yet. Other rules send it
// back to be checked anew, and every vote is dropped: it was for other rules.
func (s *Service) UpdateDraft(ctx context.Context, e ProposalEdit) (model.PolicyProposal, error) {
	in := s.gate.Session()
	p, res, err := s.see(ctx, in, e.ID)
	if err != nil {
		return p, err
	}
	answer, _, err := s.require(ctx, in, model.ActPolicyDraft, p, res)
	if err != nil {
		return p, err
	}
	if e.ExpectedRevision != nil && *e.ExpectedRevision != p.Revision {
		return p, model.Stale("expectedVersion", "the draft was changed after you read it", "read it again and repeat your change")
	}
	if !p.Open() {
		return p, model.Conflict("status", "a "+string(p.Status)+" proposal does not change any more", "draft another one")
	}
	writes, err := s.edit(ctx, &p, e)
	if err != nil {
		return p, err
	}
	p, err = s.put(ctx, in, "policy.update", p, "", answer, writes...)
	if err == nil && e.Modules != nil {
		s.jobs.cancel(p.ID)
		err = s.reload(ctx, p.Domain)
	}
	return p, err
}

func (s *Service) edit(ctx context.Context, p *model.PolicyProposal, e ProposalEdit) ([]store.Write, error) {
	if e.Modules == nil && len(p.Votes) > 0 && (e.Title != nil || e.Description != nil) {
		return nil, model.Conflict("status", "others have voted on the proposal as it is called and described", "send the rules too, and it begins anew; or add a comment")
	}
	if e.Title != nil {
		if err := checkTitle(*e.Title); err != nil {
			return nil, err
		}
		p.Title = *e.Title
	}
	if e.Description != nil {
		if err := checkDescription(*e.Description); err != nil {
			return nil, err
		}
		p.Description = *e.Description
	}
	if e.Modules == nil {
		return nil, nil
	}
	if err := checkModules(p.Domain, *e.Modules); err != nil {
		return nil, err
	}
	writes, err := s.compose(ctx, p, *e.Modules)
	if err != nil {
		return nil, err
	}
	trial, err := s.endTrial(ctx, *p)
	return append(writes, trial...), err
}

// Withdraw takes a proposal back; only its author may.
func (s *Service) Withdraw(ctx context.Context, id model.ID, reason string) (model.PolicyProposal, error) {
	return s.turnDown(ctx, model.ActPolicyDraft, "policy.withdraw", id, "reason", reason)
}

// Proposal returns one proposal, or an error of kind NotFound. What its report
// counted is for those who may discuss it.
func (s *Service) Proposal(ctx context.Context, id model.ID) (model.PolicyProposal, error) {
	in := s.gate.Session()
	p, _, err := s.see(ctx, in, id)
	if err != nil {
		return p, err
	}
	one := []model.PolicyProposal{p}
	err = s.outline(ctx, in, one)
	return one[0], err
}

// Proposals lists the proposals, the newest first.
func (s *Service) Proposals(ctx context.Context, f ProposalFilter, p model.Paging) (model.Page[model.PolicyProposal], error) {
	in := s.gate.Session()
	r, err := s.reader(ctx, in)
	if err != nil {
		return model.Page[model.PolicyProposal]{}, err
	}
	page, err := gate.ListFor(ctx, in, model.ActPolicyRead, store.PolicyProposals, f.query(), p, gate.Each(r.proposal))
	if err != nil {
		return page, err
	}
	return page, s.outline(ctx, in, page.Nodes)
}

// outline takes the comments, and the counts of the report, out of proposals
// that the actor may not discuss: those are made of decisions that the actor
// may not see.
func (s *Service) outline(ctx context.Context, in *gate.Session, proposals []model.PolicyProposal) error {
	resources, err := gate.Each(s.gate.Proposal)(ctx, proposals)
	if err != nil {
		return err
	}
	may, err := in.Filter(ctx, model.ActPolicyComment, resources)
	if err != nil {
		return err
	}
	for i := range proposals {
		if !may[i] {
			proposals[i].Comments = nil
		}
		if full := proposals[i].Impact; full != nil && !may[i] {
			proposals[i].Impact = &model.PolicyImpact{
				Hash: full.Hash, RevisionHash: full.RevisionHash, BaseHash: full.BaseHash, At: full.At, Loosens: full.Loosens, Sensitive: full.Sensitive,
			}
		}
	}
	return nil
}

// wide is the budget of a query whose rows are few beside those it looks at.
const wide = 100_000

// query gives the conditions from the widest to the narrowest.
func (f ProposalFilter) query() store.Query {
	return store.Query{Index: "by_created", Desc: true, Budget: wide}.Narrowed(
		store.Condition{Index: "by_status", Path: "status", Value: string(f.Status)},
		store.Condition{Index: "by_domain", Path: "domain", Value: string(f.Domain)},
		store.Condition{Index: "by_author", Path: "author", Value: string(f.AuthorID)})
}

// Revision returns one revision of a package, or an error of kind NotFound.
func (s *Service) Revision(ctx context.Context, id model.ID) (model.PolicyRevision, error) {
	in := s.gate.Session()
	reads, err := s.reader(ctx, in)
	if err != nil {
		return model.PolicyRevision{}, err
	}
	r, _, err := gate.SeeFor(ctx, in, model.ActPolicyRead, store.PolicyRevisions, id, reads.revision)
	return r, err
}

// put writes the proposal with whatever belongs to it, and gives it as it stands then.
func (s *Service) put(ctx context.Context, in *gate.Session, action string, p model.PolicyProposal, reason string, answer gate.Answer, writes ...store.Write) (model.PolicyProposal, error) {
	writes = append(writes, store.PolicyProposals.Put(p))
	written, err := store.PolicyProposals.Apply(ctx, s.store, in.Change(ctx, action, p.ID, reason, answer, writes...))
	if err != nil {
		return p, err // the callers compare it with what they find in the store
	}
	return written, nil
}

// again repeats what lost a race for the proposal; everything is read and
// decided anew each time.
func (s *Service) again(do func(in *gate.Session) (model.PolicyProposal, error)) (model.PolicyProposal, error) {
	for range 3 {
		p, err := do(s.gate.Session())
		if !model.HasCode(err, model.CodeStale) {
			return p, err
		}
	}
	return do(s.gate.Session())
}
