package authzen

import (
	"encoding/json"
	"fmt"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/exact"
	"github.com/souk-mesh/souk/server/pdp"
)

// entity is a subject or a resource. A pointer tells what is missing from what
// is empty.
type entity struct {
	Type       *string        `json:"type"`
	ID         *string        `json:"id"`
	Properties map[string]any `json:"properties"`
}

type action struct {
	Name       *string        `json:"name"`
	Properties map[string]any `json:"properties"`
}

// single is the body of one evaluation, and the defaults of a batch.
type single struct {
	Subject  *entity        `json:"subject"`
	Action   *action        `json:"action"`
	Resource *entity        `json:"resource"`
	Context  map[string]any `json:"context"`
}

// request is the body of every endpoint. Members that it does not know are
// none of its business, as the protocol wants.
type request struct {
	single
	Evaluations []json.RawMessage `json:"evaluations"`
	Options     struct {
		Semantic pdp.Semantic `json:"evaluations_semantic"`
	} `json:"options"`
	Page struct {
		Token string `json:"token"`
		Limit *int   `json:"limit"`
	} `json:"page"`
}

// The shapes of bodies. The protocol wants members that are not known to be
// passed over; one that is a known one but for small and capital letters is an
// error all the same, since it was meant to be the known one.
var (
	requestShape = exact.Of[request](exact.PassedOver)
	singleShape  = exact.Of[single](exact.PassedOver)
)

// shape says which members a request must have.
type shape struct{ subjectID, action, resourceID bool }

var (
	whole       = shape{subjectID: true, action: true, resourceID: true}
	forSubject  = shape{action: true, resourceID: true}
	forResource = shape{subjectID: true, action: true}
	forAction   = shape{subjectID: true, resourceID: true}
)

// question checks the members and makes a question of them.
func (s single) question(want shape) (pdp.Question, error) {
	q := pdp.Question{Context: s.Context}
	var err error
	if q.Subject, err = s.Subject.check("subject", want.subjectID); err != nil {
		return q, err
	}
	if q.Resource, err = s.Resource.check("resource", want.resourceID); err != nil {
		return q, err
	}
	if !want.action {
		return q, nil
	}
	if s.Action == nil {
		return q, missing("action")
	}
	if s.Action.Name == nil || *s.Action.Name == "" {
		return q, missing("action.name")
	}
	q.Action, q.Properties = *s.Action.Name, s.Action.Properties
	return q, nil
}

func (e *entity) check(field string, needsID bool) (pdp.Entity, error) {
	switch {
	case e == nil:
		return pdp.Entity{}, missing(field)
	case e.Type == nil || *e.Type == "":
		return pdp.Entity{}, missing(field + ".type")
	case needsID && (e.ID == nil || *e.ID == ""):
		return pdp.Entity{}, missing(field + ".id")
	}
	of := pdp.Entity{Type: *e.Type, Properties: e.Properties}
	if e.ID != nil {
		of.ID = *e.ID
	}
	return of, nil
}

func missing(field string) error { return model.Invalid(field, "is missing", "the request needs it") }

// batch makes the items, one of those that read the same. A flaw of one item is
// its own; a flaw of what all share is the request's.
func (b *request) batch() (pdp.Batch, error) {
	semantic := b.Options.Semantic
	switch semantic {
	case "":
		semantic = pdp.ExecuteAll
	case pdp.ExecuteAll, pdp.DenyOnFirst, pdp.PermitOnFirst:
	default:
		return pdp.Batch{}, model.Invalid("options.evaluations_semantic", "is unknown", "use execute_all, deny_on_first_deny or permit_on_first_permit")
	}
	if len(b.Evaluations) > maxEvaluations {
		return pdp.Batch{}, model.Invalid("evaluations", fmt.Sprintf("has more than %d members", maxEvaluations), "split the batch")
	}
	made := pdp.Batch{Semantic: semantic, Order: make([]int, len(b.Evaluations))}
	known := map[string]int{}
	for at, text := range b.Evaluations {
		i, again := known[string(text)]
		if !again {
			i = len(made.Items)
			known[string(text)], made.Items = i, append(made.Items, b.item(text))
		}
		made.Order[at] = i
	}
	return made, nil
}

func (b *request) item(text json.RawMessage) pdp.Item {
	own := single{}
	if err := singleShape.Read(text, &own); err != nil {
		return pdp.Item{Flaw: err}
	}
	q, err := own.or(b.single).question(whole)
	return pdp.Item{Question: q, Flaw: err}
}

// or takes whole members from the defaults where the item has none of its own.
func (s single) or(defaults single) single {
	if s.Subject == nil {
		s.Subject = defaults.Subject
	}
	if s.Action == nil {
		s.Action = defaults.Action
	}
	if s.Resource == nil {
		s.Resource = defaults.Resource
	}
	if s.Context == nil {
		s.Context = defaults.Context
	}
	return s
}

func (b *request) search(want shape) (pdp.Question, pdp.Window, error) {
	q, err := b.question(want)
	w := pdp.Window{Token: b.Page.Token}
	if err == nil && b.Page.Limit != nil {
		if w.Limit = *b.Page.Limit; w.Limit < 0 {
			err = model.Invalid("page.limit", "must not be negative", "leave it out for the default")
		}
	}
	return q, w, err
}
