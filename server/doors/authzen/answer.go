package authzen

import (
	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/pdp"
)

// answer is a decision as the protocol writes it.
type answer struct {
	Decision bool          `json:"decision"`
	Context  *circumstance `json:"context,omitempty"`
}

// circumstance is what stands beside the decision, for clients that look.
type circumstance struct {
	Outcome     model.Outcome      `json:"outcome"`
	DecisionID  model.ID           `json:"decision_id,omitempty"`
	Reasons     []model.Reason     `json:"reasons,omitempty"`
	Obligations []model.Obligation `json:"obligations,omitempty"`
	Approvals   []model.Approval   `json:"approvals,omitempty"`
	Revisions   *model.Revisions   `json:"revisions,omitempty"`
}

func answerOf(d model.Decision) answer {
	c := &circumstance{Outcome: d.Outcome, DecisionID: d.ID, Reasons: d.Reasons, Obligations: d.Obligations, Approvals: d.Approvals}
	if d.Revisions.Platform != "" {
		c.Revisions = &d.Revisions
	}
	return answer{Decision: d.Allowed(), Context: c}
}

type page struct {
	Page    place `json:"page"`
	Results []any `json:"results"`
}

type place struct {
	NextToken string `json:"next_token"`
	Count     int    `json:"count"`
}

type named struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

type namedAction struct {
	Name string `json:"name"`
}

func pageOf(found pdp.Found) page {
	p := page{Page: place{NextToken: found.Next, Count: len(found.Names)}, Results: make([]any, len(found.Names))}
	for i, e := range found.Names {
		p.Results[i] = named{e.Type, e.ID}
	}
	return p
}

func actionsOf(found pdp.Found) page {
	p := page{Page: place{Count: len(found.Names)}, Results: make([]any, len(found.Names))}
	for i, e := range found.Names {
		p.Results[i] = namedAction{e.ID}
	}
	return p
}
