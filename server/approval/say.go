package approval

import (
	"fmt"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
)

// CodeMissing is the code of the reason for which a matter waits.
const CodeMissing = "approval.missing"

// Reason says what is missing, for the record of a matter that waits.
func (t Tally) Reason() model.Reason {
	return model.Reason{Code: CodeMissing, Message: t.Say(), Origin: "engine"}
}

// Say tells in a sentence which votes are missing, or that none is. It names
// roles and no persons: who may know of those is for whoever shows them.
func (t Tally) Say() string {
	if len(t.Wanted) == 0 {
		return "No vote is missing."
	}
	words := make([]string, len(t.Wanted))
	dead := ""
	for i, w := range t.Wanted {
		words[i] = role(w.Approval, t.domainOf(w.Approval), w.Lacking)
		if len(w.VoterIDs) == 0 {
			dead = " Nobody can vote now: " + w.Hint + "."
		}
	}
	verb := " is missing."
	if len(words) > 1 || t.Wanted[0].Lacking > 1 {
		verb = " are missing."
	}
	text := strings.Join(words, " and ")
	return strings.ToUpper(text[:1]) + text[1:] + verb + dead
}

// role is the word of a role: a steward of sales, 2 platform stewards.
func role(a model.Approval, domain model.Slug, n int) string {
	words := map[model.ApproverRole][2]string{
		model.ApproverDomainSteward:   {"a steward", "stewards"},
		model.ApproverPlatformSteward: {"a platform steward", "platform stewards"},
		model.ApproverProductOwner:    {"the owner of the product", "owners of the product"},
	}[a.Role]
	if words[0] == "" {
		words = [2]string{"a " + string(a.Role), string(a.Role) + "s"}
	}
	text := words[0]
	if n > 1 {
		text = fmt.Sprintf("%d %s", n, words[1])
	}
	if a.Role == model.ApproverDomainSteward {
		text += " of " + string(domain)
	}
	return text
}

// hint says what to do about a vote that is missing.
func hint(domain model.Slug, w model.WantedVote) string {
	if len(w.VoterIDs) >= w.Lacking {
		return "ask " + role(w.Approval, domain, w.Lacking) + " to vote"
	}
	switch w.Role {
	case model.ApproverDomainSteward:
		return "name another person as a steward of " + string(domain) + ", or let an administrator give a person the role STEWARD: platform stewards stand in where a domain has too few"
	case model.ApproverPlatformSteward:
		return "let an administrator give another person the role STEWARD"
	case model.ApproverProductOwner:
		return "name another person as the owner of the product"
	}
	return "the rules ask for a role that nobody can hold: mend them to name domain_steward, product_owner or platform_steward"
}
