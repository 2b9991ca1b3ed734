// Package noun owns what a command line can say about the records of a running
// server. It reads the printed schema: a query that lists is a list, a mutation
// is an act, an input's fields are flags and their descriptions the help. What
// the schema does not tell, the words and columns of a noun, is one row here.
// It decides nothing: names, values and rights are the server's to judge.
package noun

import (
	"strings"
	"unicode"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/souk-mesh/souk/graph"
)

// Noun is one kind of record, as commands speak of it.
type Noun struct {
	Word    string   // the word of the command
	Type    string   // of the schema
	About   string   // for the help
	Verbs   string   // how mutations call it, where not by its type
	List    string   // the query that lists it
	Show    string   // the query that finds one; empty where the server has none
	Columns []string // of the table, as paths into what the list selects
	Named   bool     // renameRecord, removeRecord and restoreRecord take it
}

// All lists the nouns, those that others consist of first.
func All() []Noun {
	return []Noun{
		{Word: "domain", Type: "Domain", About: "the domains of the company", List: "domains", Show: "domain", Columns: []string{"name", "displayName", "parent.name", "id"}, Named: true},
		{Word: "team", Type: "Team", About: "the teams of a domain", List: "teams", Show: "team", Columns: []string{"name", "displayName", "domain.name", "id"}, Named: true},
		{Word: "person", Type: "Principal", About: "people, and programs that sign in", List: "principals", Show: "principal", Columns: []string{"name", "displayName", "kind", "domain.name", "roles", "isSuspended", "id"}, Named: true},
		{Word: "token", Type: "Token", About: "credentials of the API", List: "tokens", Columns: []string{"name", "principal.name", "expiresAt", "revokedAt", "id"}},
		{Word: "source", Type: "Source", About: "what is harvested", List: "sources", Show: "source", Columns: []string{"name", "domain.name", "plugin", "schedule", "isPaused", "failedRuns", "id"}},
		{Word: "harvest", Type: "HarvestRun", Verbs: "Harvest", About: "the runs of sources", List: "harvestRuns", Show: "harvestRun", Columns: []string{"source.name", "status", "trigger", "startedAt", "endedAt", "id"}},
		{Word: "product", Type: "DataProduct", About: "what domains offer", List: "dataProducts", Show: "dataProduct", Columns: []string{"domain.name", "name", "displayName", "status", "classification", "id"}, Named: true},
		{Word: "request", Type: "AccessRequest", About: "who asks for which product", List: "accessRequests", Show: "accessRequest", Columns: []string{"product.name", "requester.name", "status", "duration", "createdAt", "id"}},
		{Word: "grant", Type: "Grant", About: "who may use which product", List: "grants", Show: "grant", Columns: []string{"product.name", "principal.name", "status", "endsAt", "id"}},
		{Word: "source-role", Type: "SourceRole", About: "by which role people and teams read in a source", List: "sourceRoles", Columns: []string{"source.name", "principal.name", "team.name", "role", "id"}},
		{Word: "source-grant", Type: "SourceGrant", About: "what grants have come to in the sources", List: "sourceGrants", Columns: []string{"source.name", "asset.name", "principal.name", "team.name", "role", "state", "reads", "id"}},
		{Word: "policy", Type: "PolicyProposal", Verbs: "Policy", About: "rules on their way into force", List: "policyProposals", Show: "policyProposal", Columns: []string{"domain", "title", "status", "author.name", "id"}},
		{Word: "decisions", Type: "DecisionRecord", About: "what was decided", List: "decisions", Show: "decision", Columns: []string{"at", "action", "principal.name", "domain", "outcome", "id"}},
		{Word: "change", Type: "ProposedChange", Verbs: "Change", About: "changes that wait for votes", List: "proposedChanges", Show: "proposedChange", Columns: []string{"kind", "domain.name", "proposer.name", "status", "fields", "id"}},
		{Word: "namespace", Type: "Namespace", About: "which domain owns what is harvested", List: "namespaces", Columns: []string{"namespace", "prefix", "domain.name", "isPending", "id"}},
		{Word: "record", Type: "RemovedRecord", Verbs: "Record", About: "what was removed and can come back", List: "removedRecords", Columns: []string{"kind", "name", "domain.name", "removedBy.name", "removedAt", "id"}},
		{Word: "asset", Type: "Asset", About: "what harvests have shown", List: "assets", Show: "asset", Columns: []string{"kind", "namespace", "name", "domain.name", "status", "id"}},
		{Word: "event", Type: "AuditEvent", About: "who has changed what", List: "auditEvents", Columns: []string{"at", "actor.name", "action", "subjectId", "id"}},
		{Word: "finding", Type: "Finding", About: "where a domain falls short of a standard", List: "findings", Columns: []string{"severity", "code", "message"}},
	}
}

// placed names the acts whose mutation does not read as a verb and a noun, and
// those that have other words here.
var placed = map[string]struct{ noun, verb string }{
	"askForConsent":     {"product", "ask-consent"},
	"checkAccess":       {"request", "check"},
	"checkSourceConfig": {"source", "check-config"},
	"commentOnPolicy":   {"policy", "comment"},
	"inviteToSignIn":    {"person", "invite"},
	"requestAccess":     {"request", "create"},
	"revokeConsent":     {"product", "revoke-consent"},
	"updatePolicyDraft": {"policy", "edit"},
}

// elsewhere names the commands that send the other mutations.
var elsewhere = map[string]string{
	"activatePolicy":         "policy publish",
	"assessPolicy":           "policy impact",
	"cancelPolicyAssessment": "policy impact",
	"checkPolicy":            "policy publish",
	"draftPolicy":            "policy publish",
	"rollbackPolicy":         "policy rollback",
	"testPolicy":             "policy publish",
}

// Elsewhere gives the command of its own that sends a mutation, or nothing.
func Elsewhere(mutation string) string { return elsewhere[mutation] }

// verbs are the words that commands have for those of the schema.
var verbs = map[string]string{"update": "edit", "issue": "create", "revoke": "remove"}

// Schema is the contract that this program was built with.
func Schema() *ast.Schema { return graph.NewExecutableSchema(graph.Config{}).Schema() }

// placeOf says which noun and verb a mutation is; the noun is empty where
// nothing tells.
func placeOf(mutation string, nouns []Noun) (word, verb string) {
	if at, found := placed[mutation]; found {
		return at.noun, at.verb
	}
	end := strings.IndexFunc(mutation, unicode.IsUpper)
	if end < 0 {
		return "", ""
	}
	verb = mutation[:end]
	if other, found := verbs[verb]; found {
		verb = other
	}
	for _, n := range nouns {
		if called := n.Verbs; called == mutation[end:] || called == "" && n.Type == mutation[end:] {
			return n.Word, verb
		}
	}
	return "", verb
}
