// Package question is what the policies get to know. It owns the question and
// the metadata of a noun, the input that the rules see and its schema, the
// actions and the words of the closed lists, and the reading of an input that
// was logged.
//
// It refuses to look anything up, and an input that is not of the schema: a
// field too many or of another type is no question that rules could have been
// asked.
package question

import (
	"time"

	"github.com/souk-mesh/souk/graph/model"
)

// Question is everything the policies get to know about one decision. They
// can reach nothing else, so a logged question can be asked again later.
type Question struct {
	Action   model.Action
	Subject  Subject
	Resource Resource
	Facts    Facts
	Context  Context

	// Properties is what the caller of another door said beside, joined with
	// what the server knows of the resource. Empty ones are not in the input.
	Properties Properties
}

// Properties are attributes that are no facts of the server's own: policies
// see them apart, as input.properties, and so know whom they believe.
type Properties struct {
	Subject, Action, Resource, Context map[string]any
}

func (p Properties) empty() bool {
	return len(p.Subject)+len(p.Action)+len(p.Resource)+len(p.Context) == 0
}

// Beyond reports that the question tells what is neither the asker's nor read by
// any condition: what few questions have, such as the findings about a product.
func (q *Question) Beyond() bool {
	return q.Resource.Findings != nil || q.Resource.Unconsented != 0 || q.Facts.Impact != nil || q.Facts.Ending != nil || q.Facts.Change != nil
}

// Subject is whoever asks.
type Subject struct {
	Type      string // person or service
	ID        model.ID
	Name      string
	Domain    model.Slug
	Teams     []string
	StewardOf []model.Slug
	Roles     []model.Role
	Clearance model.Classification
	Region    string
	Suspended bool
}

// Resource is what the question is about. One without a Domain belongs to the
// platform, and only the platform's rules apply to it.
type Resource struct {
	Type           string // data_product, asset, domain, team, source, access_request, grant, ...
	ID             model.ID
	Name           string
	Domain         model.Slug
	Owner          model.ID
	OwnerTeam      string
	Classification model.Classification
	Visibility     model.Visibility
	Status         string
	Tags           []string
	Product        model.ID // the product that a request or a grant is for
	Requester      model.ID // who made the request, who holds the grant
	Described      bool     // it has a description
	HasOwner       bool
	Exposed        bool          // a published product that the company may discover offers it
	Ports          int           // how many output ports carry assets
	Unconsented    int           // how many assets it offers whose owners have not consented
	Findings       *FindingsFact // what the standards find; nil unless the product is to be published
}

// FindingsFact sums up the findings of the standards.
type FindingsFact struct {
	Errors   int
	Warnings int
	Codes    []string // of the errors, each once
}

// Facts are what the server looked up for the question.
type Facts struct {
	Grants    []GrantFact          // the subject's live grants on the resource
	RolesHeld []model.ApproverRole // the approving roles that the subject holds over the resource
	Impact    *ImpactFact          // what a draft of rules would change; nil when nobody has looked, or for other questions
	Ending    *EndingFact          // of a product that shall end; nil for other questions
	Change    *ChangeFact          // of a product that is on offer already; nil for other questions
}

// ChangeFact is what a change of a published product does to it, as the
// policies see it when they are asked again what publishing asked.
type ChangeFact struct {
	Loosens        bool                 // more people could find or read it
	Classification model.Classification // before the change
	Fields         []string             // that differ
}

// EndingFact is what the end of a product means to its consumers.
type EndingFact struct {
	Consumers   int  // live grants
	NoticeHours int  // since it was deprecated; -1 when it is not
	Successor   bool // one is named
}

// ImpactFact is the report on a draft of rules as the policies see it.
type ImpactFact struct {
	Loosens     bool // it allows what was refused
	Sensitive   bool // and does so on confidential or restricted data
	FlipPercent int  // share of the decisions that come out otherwise, rounded up
	Touches     []model.Slug
}

// GrantFact is a live grant as the policies see it.
type GrantFact struct {
	ID      model.ID
	Product model.ID
	Purpose string
	Until   time.Time
}

// Context is the circumstances of the question.
type Context struct {
	Now      time.Time
	Purpose  string
	Duration time.Duration // how long a grant is asked for
	Channel  string        // the door: graphql, command, ...
}
