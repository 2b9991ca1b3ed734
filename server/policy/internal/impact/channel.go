package impact

import (
	"cmp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// channel is the one field of a logged question that the rules of today would
// not see as it was: the door that it came by. The replay keeps the word that
// was logged, since nobody knows another.
var channel = []string{"input", "context", "channel"}

// channelReaders lists the rules of a draft that read the channel, or a part of
// the input that holds it. What the replay says of them holds for the doors by
// which questions have come, and for no others.
func channelReaders(u *sandbox.Unit) []model.PolicyProblem {
	var problems []model.PolicyProblem
	for _, module := range u.Parsed() {
		for _, r := range module.Rules {
			if at := readsChannel(r); at != nil {
				problems = append(problems, channelProblem(r, at))
			}
		}
	}
	problems = sandbox.InOrder(problems)
	return problems[:min(len(problems), maxListed)]
}

// readsChannel gives the first place within that does; nil is none.
func readsChannel(within any) *ast.Location {
	var at *ast.Location
	read := func(t *ast.Term, words []string) {
		if at == nil && len(words) <= len(channel) && slices.Equal(words, channel[:len(words)]) {
			at = t.Location
		}
	}
	ast.WalkTerms(within, func(t *ast.Term) bool {
		switch v := t.Value.(type) {
		case ast.Var:
			read(t, []string{string(v)})
		case ast.Ref:
			read(t, sandbox.WordsOf(v))
			for _, part := range v[1:] { // of itself alone the whole path counts
				at = cmp.Or(at, readsChannel(part))
			}
			return true
		}
		return at != nil
	})
	return at
}

func channelProblem(r *ast.Rule, at *ast.Location) model.PolicyProblem {
	return model.PolicyProblem{
		Severity: sandbox.SeverityWarning, Code: "policy.reads_channel", File: at.File, Line: at.Row,
		Message: "the rule " + r.Head.Ref().String() + " reads " + strings.Join(channel, ".") +
			"; logged decisions are replayed with the channel that was logged, so this report does not tell what the rule says of other doors",
		Fix: "test the rule for each channel that it tells apart",
	}
}
