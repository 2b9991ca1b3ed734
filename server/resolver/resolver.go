// Package resolver answers the fields of the graph: it takes the input apart,
// makes one call of a service and hands the noun on as it stands. It owns the
// words of errors on the wire and the grouping of look-ups. It decides nothing
// and stores nothing: the services do.
package resolver

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"github.com/souk-mesh/souk/graph"
	"github.com/souk-mesh/souk/server/access"
	"github.com/souk-mesh/souk/server/audit"
	"github.com/souk-mesh/souk/server/catalog"
	"github.com/souk-mesh/souk/server/governance"
	"github.com/souk-mesh/souk/server/harvest"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/lineage"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/sourcegrants"
	"github.com/souk-mesh/souk/server/standards"
)

// Services are the rooms that the graph looks into.
type Services struct {
	Identity   *identity.Service
	Mesh       *mesh.Service
	Access     *access.Service
	Audit      *audit.Service
	Catalog    *catalog.Service
	Lineage    *lineage.Service
	Harvest    *harvest.Service
	Governance *governance.Service
	Standards  *standards.Service
	InSources  *sourcegrants.Service
}

// Config joins the resolvers and the costs of fields for graph.NewExecutableSchema.
func Config(s Services) graph.Config {
	return graph.Config{Resolvers: root{s}, Complexity: costs()}
}

// Schema is the executable schema. Each operation gets look-ups of its own, so
// that what a page links to is fetched together and never once per row.
func Schema(s Services) graphql.ExecutableSchema {
	return grouped{ExecutableSchema: graph.NewExecutableSchema(Config(s)), services: s, nouns: newCatalogue(nouns(s))}
}

type grouped struct {
	graphql.ExecutableSchema
	services Services
	nouns    *catalogue
}

// Exec prepares the operation. Every event of a subscription begins afresh.
func (g grouped) Exec(ctx context.Context) graphql.ResponseHandler {
	next := g.ExecutableSchema.Exec(ctx)
	return func(ctx context.Context) *graphql.Response {
		return next(withLinks(ctx, newLinks(g.nouns, g.services)))
	}
}

// CheckScalar reports a value that one of our own scalars cannot be.
func (g grouped) CheckScalar(name string, value any) error { return graph.CheckScalar(name, value) }

// root tells which resolver answers for which type.
type root struct{ s Services }

func (r root) Query() graph.QueryResolver                     { return query(r) }
func (r root) Mutation() graph.MutationResolver               { return mutation(r) }
func (r root) Subscription() graph.SubscriptionResolver       { return subscription(r) }
func (r root) Principal() graph.PrincipalResolver             { return principal(r) }
func (r root) Token() graph.TokenResolver                     { return token(r) }
func (r root) Viewer() graph.ViewerResolver                   { return viewer(r) }
func (r root) Domain() graph.DomainResolver                   { return domain(r) }
func (r root) Team() graph.TeamResolver                       { return team(r) }
func (r root) DataProduct() graph.DataProductResolver         { return product(r) }
func (r root) Port() graph.PortResolver                       { return port(r) }
func (r root) Asset() graph.AssetResolver                     { return asset(r) }
func (r root) AssetField() graph.AssetFieldResolver           { return assetField(r) }
func (r root) Sighting() graph.SightingResolver               { return sighting(r) }
func (r root) SourceRole() graph.SourceRoleResolver           { return sourceRole(r) }
func (r root) SourceGrant() graph.SourceGrantResolver         { return sourceGrant(r) }
func (r root) QualityRule() graph.QualityRuleResolver         { return qualityRule(r) }
func (r root) Finding() graph.FindingResolver                 { return finding(r) }
func (r root) Scorecard() graph.ScorecardResolver             { return scorecard(r) }
func (r root) AccessRequest() graph.AccessRequestResolver     { return accessRequest(r) }
func (r root) ProposedChange() graph.ProposedChangeResolver   { return proposedChange(r) }
func (r root) ProposedProduct() graph.ProposedProductResolver { return proposedProduct(r) }
func (r root) WantedVote() graph.WantedVoteResolver           { return wantedVote(r) }
func (r root) Consent() graph.ConsentResolver                 { return consent(r) }
func (r root) Vote() graph.VoteResolver                       { return vote(r) }
func (r root) Grant() graph.GrantResolver                     { return grant(r) }
func (r root) Obligation() graph.ObligationResolver           { return obligation(r) }
func (r root) Source() graph.SourceResolver                   { return source(r) }
func (r root) HarvestRun() graph.HarvestRunResolver           { return harvestRun(r) }
func (r root) AuditEvent() graph.AuditEventResolver           { return auditEvent(r) }
func (r root) DecisionRecord() graph.DecisionRecordResolver   { return decisionRecord(r) }
func (r root) PolicyProposal() graph.PolicyProposalResolver   { return policyProposal(r) }
func (r root) PolicyRevision() graph.PolicyRevisionResolver   { return policyRevision(r) }
func (r root) PolicyState() graph.PolicyStateResolver         { return policyState(r) }
func (r root) PolicyVote() graph.PolicyVoteResolver           { return policyVote(r) }
func (r root) PolicyComment() graph.PolicyCommentResolver     { return policyComment(r) }
func (r root) RemovedRecord() graph.RemovedRecordResolver     { return removedRecord(r) }
func (r root) Dependency() graph.DependencyResolver           { return dependency(r) }

// The types that have fields to resolve.
type (
	query           struct{ s Services }
	mutation        struct{ s Services }
	subscription    struct{ s Services }
	principal       struct{ s Services }
	token           struct{ s Services }
	viewer          struct{ s Services }
	domain          struct{ s Services }
	team            struct{ s Services }
	product         struct{ s Services }
	port            struct{ s Services }
	asset           struct{ s Services }
	assetField      struct{ s Services }
	sighting        struct{ s Services }
	sourceRole      struct{ s Services }
	sourceGrant     struct{ s Services }
	qualityRule     struct{ s Services }
	finding         struct{ s Services }
	scorecard       struct{ s Services }
	accessRequest   struct{ s Services }
	vote            struct{ s Services }
	proposedChange  struct{ s Services }
	proposedProduct struct{ s Services }
	wantedVote      struct{ s Services }
	consent         struct{ s Services }
	grant           struct{ s Services }
	obligation      struct{ s Services }
	source          struct{ s Services }
	harvestRun      struct{ s Services }
	auditEvent      struct{ s Services }
	decisionRecord  struct{ s Services }
	policyProposal  struct{ s Services }
	policyRevision  struct{ s Services }
	policyState     struct{ s Services }
	policyVote      struct{ s Services }
	policyComment   struct{ s Services }
	removedRecord   struct{ s Services }
	dependency      struct{ s Services }
)
