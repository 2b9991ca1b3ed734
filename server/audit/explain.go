package audit

import (
	"context"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
)

// explainer evaluates a logged decision again, by the rules that made it.
type explainer interface {
	Explain(ctx context.Context, d model.DecisionRecord) (model.Explanation, error)
}

// Explain says why a logged decision came out as it did and what would change
// it. To ask is a decision of its own, and the log has it before the answer is
// given. It returns an error of kind NotFound to whoever may not know of the
// decision, of kind Denied to whoever may read it but not have it explained,
// and of kind Conflict when the log holds its input no more.
func (s *Service) Explain(ctx context.Context, id model.ID) (model.Explanation, error) {
	if s.rules == nil {
		return model.Explanation{}, &model.Error{Kind: model.KindUnavailable, Message: "decisions are not explained here", Hint: "ask a server that runs"}
	}
	d, err := s.row(ctx, id)
	if err != nil {
		return model.Explanation{}, err
	}
	about, err := s.about(ctx, d)
	if err != nil {
		return model.Explanation{}, err
	}
	in := s.gate.Session()
	if err := s.mayExplain(ctx, in, d, about); err != nil {
		return model.Explanation{}, err
	}
	redactions, err := s.redactions(ctx, in, []model.DecisionRecord{d}, []policy.Resource{about.Resource})
	if err != nil {
		return model.Explanation{}, err
	}
	seen := redactions[0]
	x, err := s.rules.Explain(ctx, d)
	if err != nil {
		return model.Explanation{}, err
	}
	x.Paths = slices.DeleteFunc(x.Paths, seen.tells)
	return x.Redacted(seen.hides), nil
}

// mayExplain asks the policies, and keeps their answer whatever it is. The
// decision counts as owned by whoever owns what it was about.
func (s *Service) mayExplain(ctx context.Context, in *gate.Session, d model.DecisionRecord, about subject) error {
	res, err := s.gate.Decision(ctx, d)
	if err != nil {
		return err
	}
	owned := res
	if about.live {
		owned.Owner, owned.OwnerTeam = about.Owner, about.OwnerTeam
	}
	answer, err := in.Ask(ctx, model.ActDecisionExplain, owned, gate.Extra{})
	if err != nil {
		return err
	}
	deed := string(model.ActDecisionExplain)
	if !answer.Allowed() {
		deed += ".refused"
	}
	if err := s.gate.Keep(ctx, deed, d.ID, "", answer); err != nil || answer.Allowed() {
		return err
	}
	readable, err := in.Filter(ctx, model.ActAuditRead, []policy.Resource{res})
	switch {
	case err != nil:
		return err
	case readable[0]:
		return model.Denied(answer.Decision)
	}
	return model.NotFound("decision", d.ID)
}

// redaction is what the asker may see of the values that the policies looked at.
// Each side of the question follows a right that there is anyway: what it was
// about is shown to whoever may see that metadata now, and what is personal of
// who asked to themselves and to whoever administers them. What the log has
// masked is shown to nobody.
type redaction struct {
	resource bool
	person   bool
	masked   []string
}

// directory is what everybody may know of everybody.
var directory = policy.OpenFields()

// redactions gives what the asker may see of each decision, which is about the
// resource of its place. It asks once for all of them.
func (s *Service) redactions(ctx context.Context, in *gate.Session, rows []model.DecisionRecord, about []policy.Resource) ([]redaction, error) {
	asker, err := model.PrincipalFrom(ctx)
	if err != nil {
		return nil, err
	}
	people := make([]policy.Resource, len(rows))
	for i, d := range rows {
		people[i] = policy.Resource{Type: "principal", ID: d.PrincipalID, Owner: d.PrincipalID}
	}
	shown, err := in.Filter(ctx, model.ActMetadataView, about)
	if err != nil {
		return nil, err
	}
	runs, err := in.Filter(ctx, model.ActIdentity, people)
	if err != nil {
		return nil, err
	}
	seen := make([]redaction, len(rows))
	for i, d := range rows {
		seen[i] = redaction{resource: shown[i], person: asker.ID == d.PrincipalID || runs[i], masked: d.Masked}
	}
	return seen, nil
}

// hides reports whether the value at a path of the input is not for the asker.
func (v redaction) hides(path string) bool {
	path = strings.TrimPrefix(path, "input.")
	return v.private(path) || below(path, v.masked...) ||
		!v.resource && below(path, "resource", "facts", "properties.resource")
}

// private reports that the path tells of the person what only they and their
// administrators know.
func (v redaction) private(path string) bool {
	return !v.person && (below(path, "subject", "properties.subject") && !below(path, directory...))
}

// tells reports that a way to an allow would tell by itself what is private,
// such as which clearance somebody lacks.
func (v redaction) tells(p model.LegalPath) bool {
	return slices.ContainsFunc(p.Changes, func(c model.ComparedValue) bool { return v.private(strings.TrimPrefix(c.Path, "input.")) })
}

// below reports whether the path is one of the others or lies under one.
func below(path string, others ...string) bool {
	return slices.ContainsFunc(others, func(o string) bool {
		return path == o || strings.HasPrefix(path, o+".") || strings.HasPrefix(path, o+"[")
	})
}
