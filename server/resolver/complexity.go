package resolver

import (
	"github.com/souk-mesh/souk/graph"
	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/lineage"
)

const (
	rightsCost      = 100 // each right is a question to the policies
	checkCost       = 500 // a check starts a process
	whyCost         = 500 // an explanation asks the policies some thirty questions
	inputCost       = 10  // to find out what may be seen of an input takes reading what it is about
	dependencyKinds = 40  // each counts what points at the record

	walkShare = 4 // a node of a walk costs a fraction of other nodes
)

// costs says how much of the limit a field uses up. A list costs as many times
// its row as it was asked for; what is not named here costs one and its parts.
func costs() graph.ComplexityRoot {
	var c graph.ComplexityRoot
	costsOfLists(&c)
	q := &c.Query
	q.Nodes = func(child int, ids []model.ID) int { return times(child, len(ids)) }
	q.Lineage = func(child int, _ model.ID, _ model.Direction, _, maxNodes int) int { return walkCost(child, maxNodes) }
	c.Asset.Lineage = func(child int, _ model.Direction, _, maxNodes int) int { return walkCost(child, maxNodes) }
	c.DecisionRecord.Input = func(child int) int { return child + inputCost }
	q.WhyDenied = func(child int, _ model.ID) int { return child + whyCost }
	rights := func(child int) int { return child + rightsCost }
	c.Viewer.ViewerCan, c.Domain.ViewerCan, c.DataProduct.ViewerCan = rights, rights, rights
	c.ProposedChange.ViewerCan = rights
	c.AccessRequest.ViewerCan, c.Source.ViewerCan = rights, rights
	c.PolicyProposal.ViewerCan, c.PolicyProposal.Revision = rights, rights // a revision is a read of its own, and long
	c.Mutation.TestPolicy = func(child int, _ graph.TestPolicyInput) int { return child + checkCost }
	c.Mutation.CheckSource = func(child int, _ graph.CheckSourceInput) int { return child + checkCost }
	c.Mutation.CheckSourceConfig = func(child int, _ graph.CheckSourceConfigInput) int { return child + checkCost }
	c.Source.Dependents = func(child int) int { return child + checkCost } // it reads every asset
	costsOfStandards(&c)
	return c
}

func costsOfLists(c *graph.ComplexityRoot) {
	q := &c.Query
	q.Principals = func(child, first int, _ *string) int { return times(child, first) }
	q.Tokens = func(child int, _ *model.ID, first int, _ *string) int { return times(child, first) }
	q.Domains = func(child int, _ *graph.DomainFilter, first int, _ *string) int { return times(child, first) }
	q.Teams = func(child int, _ model.ID, first int, _ *string) int { return times(child, first) }
	q.DataProducts = func(child int, _ *graph.DataProductFilter, first int, _ *string) int { return times(child, first) }
	q.Assets = func(child int, _ *graph.AssetFilter, first int, _ *string) int { return times(child, first) }
	q.Search = func(child int, _ string, _ *graph.SearchFilter, first int, _ *string) int { return times(child, first) }
	q.AccessRequests = func(child int, _ *graph.AccessRequestFilter, first int, _ *string) int { return times(child, first) }
	q.ProposedChanges = func(child int, _ *graph.ProposedChangeFilter, first int, _ *string) int { return times(child, first) }
	q.Grants = func(child int, _ *graph.GrantFilter, first int, _ *string) int { return times(child, first) }
	q.Namespaces = func(child int, _ *model.ID, first int, _ *string) int { return times(child, first) }
	q.Sources = func(child int, _ *model.ID, first int, _ *string) int { return times(child, first) }
	q.HarvestRuns = func(child int, _ *graph.HarvestRunFilter, first int, _ *string) int { return times(child, first) }
	q.AuditEvents = func(child int, _ *graph.AuditEventFilter, first int, _ *string) int { return times(child, first) }
	q.PolicyProposals = func(child int, _ *graph.PolicyProposalFilter, first int, _ *string) int { return times(child, first) }
	q.PolicyDifferences = func(child int, _ model.ID, first int, _ *string) int { return times(child, first) }
	q.RemovedRecords = func(child, first int, _ *string) int { return times(child, first) }
	q.Dependencies = func(child int, _ model.ID) int { return times(child, dependencyKinds) }
	q.Decisions = func(child int, _ *graph.DecisionFilter, first int, _ *string) int { return times(child, first) }
}

// walkCost is for a graph, whose nodes cost a fraction of other nodes.
func walkCost(child, maxNodes int) int {
	return 1 + child*min(max(maxNodes, 1), lineage.MaxNodes)/walkShare
}

// times bounds the number of rows, so that one out of bounds is told what is
// wrong with it instead of what it would cost.
func times(child, rows int) int { return 1 + child*min(max(rows, 1), model.MaxFirst) }
