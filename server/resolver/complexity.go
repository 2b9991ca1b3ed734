package resolver

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"github.com/souk-mesh/souk/graph"
	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/lineage"
)

const (
	rightsCost      = 100 // the rights over one thing are questions to the policies
	pageRightsCost  = 10  // of a product's: a page of them is judged together
	checkCost       = 500 // a check starts a process
	whyCost         = 500 // an explanation asks the policies some thirty questions
	inputCost       = 10  // to find out what may be seen of an input takes reading what it is about
	dependencyKinds = 40  // each counts what points at the record

	walkShare = 4 // a node of a walk costs a fraction of other nodes
)

// Complexity says how much of the limit a field uses up. What costs names has
// its own measure; of the others a list costs as many times its row as it was
// asked for, and every right of the viewer is a question.
func (g grouped) Complexity(ctx context.Context, object, field string, child int, args map[string]any) (int, bool) {
	if cost, ok := g.ExecutableSchema.Complexity(ctx, object, field, child, args); ok {
		return cost, true
	}
	if first, isList := args["first"]; isList {
		rows, err := graphql.UnmarshalInt(first)
		return times(child, rows), err == nil
	}
	return child + rightsCost, field == "viewerCan"
}

// costs says how much the fields cost that cost more than one and their parts
// for another reason than that they are lists.
func costs() graph.ComplexityRoot {
	var c graph.ComplexityRoot
	q := &c.Query
	q.Nodes = func(child int, ids []model.ID) int { return times(child, len(ids)) }
	q.Lineage = func(child int, _ model.ID, _ model.Direction, _, maxNodes int) int { return walkCost(child, maxNodes) }
	q.Dependencies = func(child int, _ model.ID) int { return times(child, dependencyKinds) }
	q.WhyDenied = func(child int, _ model.ID) int { return child + whyCost }
	c.Asset.Lineage = func(child int, _ model.Direction, _, maxNodes int) int { return walkCost(child, maxNodes) }
	c.DecisionRecord.Input = func(child int) int { return child + inputCost }
	c.PolicyProposal.Revision = func(child int) int { return child + rightsCost } // a read of its own, and long
	c.Mutation.TestPolicy = func(child int, _ graph.TestPolicyInput) int { return child + checkCost }
	c.Mutation.CheckSource = func(child int, _ graph.CheckSourceInput) int { return child + checkCost }
	c.Mutation.CheckSourceConfig = func(child int, _ graph.CheckSourceConfigInput) int { return child + checkCost }
	c.DataProduct.ViewerCan = func(child int) int { return child + pageRightsCost }
	c.Source.Dependents = func(child int) int { return child + checkCost } // it reads every asset
	costsOfStandards(&c)
	return c
}

// walkCost is for a graph, whose nodes cost a fraction of other nodes.
func walkCost(child, maxNodes int) int {
	return 1 + child*min(max(maxNodes, 1), lineage.MaxNodes)/walkShare
}

// times bounds the number of rows, so that one out of bounds is told what is
// wrong with it instead of what it would cost.
func times(child, rows int) int { return 1 + child*min(max(rows, 1), model.MaxFirst) }
