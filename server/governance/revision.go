package governance

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// The bounds of what is kept of a draft. The engine has its own, tighter ones
// for what is compiled; these keep a draft that never will from filling the store.
const (
	maxModules = 40
	maxPath    = 200
	maxText    = 64 << 10
)

// checkModules holds every file to the folder that belongs to the domain.
func checkModules(domain model.Slug, modules []model.PolicyModule) error {
	folder := "platform/"
	if domain != "" {
		folder = "domains/" + string(domain) + "/"
	}
	if len(modules) == 0 || len(modules) > maxModules {
		return model.Invalid("modules", fmt.Sprintf("must be 1 to %d files", maxModules), "send every file of the package, its tests too")
	}
	seen := map[string]bool{}
	for i, m := range modules {
		field := fmt.Sprintf("modules[%d]", i)
		switch {
		case len(m.Path) > maxPath || !utf8.ValidString(m.Path) || path.Clean(m.Path) != m.Path || !strings.HasSuffix(m.Path, ".rego"):
			return model.Invalid(field, "is no path of a Rego file", "name it like "+folder+"access.rego")
		case !strings.HasPrefix(m.Path, folder):
			return model.Invalid(field, "lies outside of "+folder+", which is all that this proposal may change", "propose it to the domain that owns the folder")
		case seen[m.Path]:
			return model.Invalid(field, "names "+m.Path+" twice", "send each file once")
		case len(m.Text) > maxText || !utf8.ValidString(m.Text):
			return model.Invalid(field, fmt.Sprintf("is larger than %d KiB, or is no UTF-8", maxText>>10), "split the rules over several files")
		}
		seen[m.Path] = true
	}
	return nil
}

// compose makes the modules the proposal's, as a draft that nobody has looked
// at. It gives the write of the revision, unless it is there already: a
// revision is named by its content.
func (s *Service) compose(ctx context.Context, p *model.PolicyProposal, modules []model.PolicyModule) ([]store.Write, error) {
	d := policy.Draft{Domain: p.Domain, Modules: sorted(modules)}
	hash, problems := s.lookOver(ctx, d)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	_, base, err := s.inForce(ctx, p.Domain)
	if err != nil {
		return nil, err
	}
	r := revisionOf(d, hash, p.AuthorID)
	touched, err := s.touched(ctx, d)
	if err != nil {
		return nil, err
	}
	sendBack(p)
	p.RevisionID, p.BaseHash, p.Problems, p.Touches = r.ID, base, problems, touched
	return s.keep(ctx, r)
}

// keep gives the write that keeps a revision, or none when it is kept already.
func (s *Service) keep(ctx context.Context, r model.PolicyRevision) ([]store.Write, error) {
	known, err := store.PolicyRevisions.GetMany(ctx, s.store, r.ID)
	if err != nil || len(known) > 0 {
		return nil, err
	}
	return []store.Write{store.PolicyRevisions.Put(r)}, nil
}

func sorted(modules []model.PolicyModule) []model.PolicyModule {
	return slices.SortedFunc(slices.Values(modules), func(a, b model.PolicyModule) int { return cmp.Compare(a.Path, b.Path) })
}

// revisionOf names a draft by its content. The engine's hash leaves the tests
// out, which are part of a revision as well.
func revisionOf(d policy.Draft, hash string, author model.ID) model.PolicyRevision {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q\n", d.Domain, hash, policy.EngineVersion())
	for _, m := range d.Modules {
		fmt.Fprintf(h, "%q %d\n%s\n", m.Path, len(m.Text), m.Text)
	}
	id := string(model.PrefixRevision) + "_" + strings.ToLower(base32.HexEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil)[:20]))
	return model.PolicyRevision{
		Meta: model.Meta{ID: model.ID(id)}, Domain: d.Domain, Hash: hash, Modules: d.Modules, Engine: policy.EngineVersion(), AuthorID: author,
	}
}

// draftOf loads the rules of a proposal as the engine takes them.
func (s *Service) draftOf(ctx context.Context, p model.PolicyProposal) (model.PolicyRevision, policy.Draft, error) {
	r, err := store.PolicyRevisions.Get(ctx, s.store, p.RevisionID)
	return r, policy.Draft{Domain: r.Domain, Modules: r.Modules}, err
}

// touched lists the domains that the draft's rules name, its own included:
// all of them where a rule computes whom it means.
func (s *Service) touched(ctx context.Context, d policy.Draft) ([]model.Slug, error) {
	named, everybody := policy.Touches(d), len(policy.Computes(d)) > 0
	var known []model.Slug
	for domain, err := range store.Domains.All(ctx, s.store, store.Query{Index: "by_name", Limit: store.MaxPage}) {
		if err != nil {
			return nil, err
		}
		if everybody || slices.Contains(named, domain.Name) {
			known = append(known, domain.Name)
		}
	}
	return known, nil
}

// sendBack makes a draft of the proposal again. What was said of other rules
// counts for nothing.
func sendBack(p *model.PolicyProposal) {
	p.Status, p.Problems = model.ProposalDraft, nil
	forget(p)
}

// forget drops what follows from the checks.
func forget(p *model.PolicyProposal) {
	p.Tests, p.Impact, p.Approvals, p.Votes = nil, nil, nil, nil
}

func broken(problems []model.PolicyProblem) bool {
	return slices.ContainsFunc(problems, func(p model.PolicyProblem) bool { return p.Severity == "error" })
}
