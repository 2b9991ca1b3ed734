package pdp

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/exact"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// Report is a decision that an engine outside made by a bundle of ours.
type Report struct {
	ID     string // the engine's own name of it
	At     time.Time
	Input  json.RawMessage
	Result json.RawMessage
	Masked []string // paths of Input that the engine has hidden
}

// Tally says what became of a batch of reports.
type Tally struct {
	Kept    int
	Known   int // sent before
	Refused int
	Why     error // the first was refused
}

// The bounds of a report.
const (
	maxReports    = 10_000 // of one batch
	maxInput      = 64 << 10
	reportsAhead  = 5 * time.Minute // a clock may be wrong by that much
	reportsBehind = 90 * 24 * time.Hour
	reportsAtOnce = 200
)

// Accept keeps decisions of an engine outside as rows of the decision log. They
// are about the subject of the question, where that is somebody known here, and
// the caller has asked: it says so, and Souk has not decided them. What is no
// decision by our rules is refused by itself: an engine would send the same
// batch again for ever. A decision that is sent again changes nothing.
func (s *Service) Accept(ctx context.Context, reports []Report) (Tally, error) {
	caller, err := model.PrincipalFrom(ctx)
	if err != nil {
		return Tally{}, err
	}
	if _, err := s.gate.Require(ctx, model.ActDecisionAsk, s.gate.Platform("decision", "sidecar")); err != nil {
		return Tally{}, err
	}
	if len(reports) > maxReports {
		return Tally{}, model.Invalid("body", fmt.Sprintf("has more than %d decisions", maxReports), "send smaller chunks")
	}
	var tally Tally
	rows := make([]model.DecisionRecord, 0, len(reports))
	for _, report := range reports {
		row, err := s.row(caller.ID, report)
		if err == nil {
			rows = append(rows, row)
			continue
		}
		if tally.Refused++; tally.Why == nil {
			tally.Why = err
		}
	}
	r := s.batch(Client{})
	for len(rows) > 0 {
		n := min(len(rows), reportsAtOnce)
		kept, err := r.keepReports(ctx, rows[:n])
		if err != nil {
			return tally, err
		}
		tally.Kept, tally.Known = tally.Kept+kept, tally.Known+n-kept
		rows = rows[n:]
	}
	return tally, nil
}

func (r *batch) keepReports(ctx context.Context, rows []model.DecisionRecord) (int, error) {
	fresh := map[model.ID]model.DecisionRecord{}
	ids := make([]model.ID, len(rows))
	for i, row := range rows {
		fresh[row.ID], ids[i] = row, row.ID
	}
	known, err := store.Decisions.GetMany(ctx, r.store, ids...)
	if err != nil {
		return 0, err
	}
	for _, row := range known {
		delete(fresh, row.ID)
	}
	if err := r.forgetLogged(ctx, fresh); err != nil || len(fresh) == 0 {
		return 0, err
	}
	if err := r.attribute(ctx, fresh); err != nil {
		return 0, err
	}
	var writes []store.Write
	for _, row := range fresh {
		writes = append(writes, store.Decisions.Put(row))
	}
	_, err = r.store.Apply(ctx, r.gate.Change(ctx, "decision.import", "", "", writes...))
	return len(fresh), err
}

// forgetLogged takes out the rows that the log has: the store lets go of its
// own when they are copied and a day old.
func (s *Service) forgetLogged(ctx context.Context, fresh map[model.ID]model.DecisionRecord) error {
	if s.log == nil {
		return nil
	}
	for id := range fresh {
		_, err := s.log.Get(ctx, id)
		if err == nil {
			delete(fresh, id)
		} else if !model.Is(err, model.KindNotFound) {
			return err
		}
	}
	return nil
}

// attribute makes the rows those of the principals whom they are about. One
// about somebody unknown here stays with the service that reports it.
func (r *batch) attribute(ctx context.Context, rows map[model.ID]model.DecisionRecord) error {
	questions := map[model.ID]loggedQuestion{} // by row
	var ids []model.ID
	for id, row := range rows {
		about, err := readInput(row.Input)
		if err != nil {
			return err
		}
		if about.Subject.ID != "" && about.Subject.ID != row.PrincipalID {
			questions[id], ids = about, append(ids, about.Subject.ID)
		}
	}
	slices.Sort(ids)
	found, err := store.Principals.GetMany(ctx, r.store, slices.Compact(ids)...)
	if err != nil {
		return err
	}
	for id, about := range questions {
		i := slices.IndexFunc(found, func(p model.Principal) bool { return p.ID == about.Subject.ID })
		if i < 0 {
			continue
		}
		row := rows[id]
		row.AskedBy, row.PrincipalID = row.PrincipalID, found[i].ID
		if row.Hidden, err = r.hides(ctx, found[i], about); err != nil {
			return err
		}
		rows[id] = row
	}
	return nil
}

// hides reports a question about what the subject may not know of, or what is
// not there: it must not turn up among the subject's own decisions.
func (r *batch) hides(ctx context.Context, who model.Principal, q loggedQuestion) (bool, error) {
	what, err := r.resource(ctx, Entity{Type: q.Resource.Type, ID: string(q.Resource.ID)})
	if err != nil {
		return true, err
	}
	sees, err := r.session.Sees(ctx, who, what.res, gate.Extra{})
	return what.absent || !sees, err
}

// row checks a report and makes a row of it. Its id follows from the engine's
// own, so that a report that comes twice is one row.
func (s *Service) row(caller model.ID, r Report) (model.DecisionRecord, error) {
	switch now := s.now(); {
	case r.ID == "" || len(r.ID) > 128:
		return model.DecisionRecord{}, model.Invalid("decision_id", "must be 1 to 128 bytes", "")
	case r.At.After(now.Add(reportsAhead)) || r.At.Before(now.Add(-reportsBehind)):
		return model.DecisionRecord{}, model.Invalid("timestamp", "lies in the future or more than 90 days back", "set the clock of the sidecar")
	case len(r.Input) > maxInput:
		return model.DecisionRecord{}, model.Invalid("input", "is larger than 64 KiB", "")
	}
	d, heard, err := readResult(r.Result)
	if err != nil {
		return model.DecisionRecord{}, err
	}
	if r.Input, err = heard.joined(r.Input); err != nil {
		return model.DecisionRecord{}, err
	}
	about, err := readInput(r.Input)
	if err != nil {
		return model.DecisionRecord{}, err
	}
	sum := sha256.Sum256([]byte(string(caller) + "\x00" + r.ID))
	d.ID = model.SumID(model.PrefixDecision, sum[:16])
	return model.DecisionRecord{
		Meta: model.Meta{ID: d.ID}, At: r.At.UTC().Truncate(time.Millisecond), Action: model.Action(about.Action.Name), PrincipalID: caller,
		ResourceID: about.Resource.ID, Domain: about.Resource.Domain, Outcome: d.Outcome, Decision: d, Input: r.Input, Masked: dotted(r.Masked),
	}, nil
}

// loggedQuestion is what the log is searched by.
type loggedQuestion struct {
	V      int `json:"v"`
	Action struct {
		Name string `json:"name"`
	} `json:"action"`
	Resource struct {
		Type   string     `json:"type"`
		ID     model.ID   `json:"id"`
		Domain model.Slug `json:"domain"`
	} `json:"resource"`
	Subject *struct {
		ID model.ID `json:"id"`
	} `json:"subject"`
	Context *struct {
		Now string `json:"now"`
	} `json:"context"`
}

// The shapes of what a sidecar reports. Other members are the policies' business.
var (
	inputShape  = exact.Of[loggedQuestion](exact.PassedOver)
	wholeShape  = exact.Of[map[string]json.RawMessage](exact.PassedOver)
	resultShape = exact.Of[result](exact.PassedOver)
)

func readInput(text json.RawMessage) (loggedQuestion, error) {
	var a loggedQuestion
	if err := inputShape.Read(text, &a); err != nil {
		return a, within("input", err)
	}
	if a.Subject == nil || a.Context == nil || a.V != 1 {
		return a, model.Invalid("input", "is no question in the form that Souk logs", "send what the policies of the bundle expect")
	}
	if !policy.Asked(model.Action(a.Action.Name)) {
		return a, model.Invalid("input.action.name", "is no action that policies know", "")
	}
	if len(a.Resource.ID) > 64 {
		return a, model.Invalid("input.resource.id", "is too long for an id", "")
	}
	if a.Resource.Domain == "" {
		return a, nil
	}
	return a, a.Resource.Domain.Validate("input.resource.domain")
}

// within puts a place before the member that an error names.
func within(place string, err error) error {
	e, ok := errors.AsType[*model.Error](err)
	if !ok {
		return err
	}
	out := *e
	if out.Field = place + "." + e.Field; e.Field == "body" {
		out.Field = place
	}
	return &out
}

// additions are what the bundle added to a question: the facts that the asker did not
// tell, its time in our form, and what is known of its resource. With it the input is the whole question again.
type additions struct {
	Facts    map[string]json.RawMessage `json:"facts"`
	Context  map[string]json.RawMessage `json:"context"`
	Resource map[string]json.RawMessage `json:"resource"`
}

func (a additions) joined(input json.RawMessage) (json.RawMessage, error) {
	if len(a.Facts)+len(a.Context)+len(a.Resource) == 0 {
		return input, nil
	}
	var whole map[string]json.RawMessage
	if err := wholeShape.Read(input, &whole); err != nil || whole == nil {
		return nil, model.Invalid("input", "is no object", "send what the policies of the bundle expect")
	}
	for _, more := range []struct {
		name  string
		added map[string]json.RawMessage
	}{{"facts", a.Facts}, {"context", a.Context}, {"resource", a.Resource}} {
		if more.added == nil {
			continue
		}
		var part map[string]json.RawMessage
		if said := whole[more.name]; said != nil && json.Unmarshal(said, &part) != nil {
			return nil, model.Invalid("input."+more.name, "is no object", "")
		}
		if part == nil {
			part = map[string]json.RawMessage{}
		}
		maps.Copy(part, more.added)
		whole[more.name], _ = json.Marshal(part) // it came out of JSON
	}
	input, _ = json.Marshal(whole)
	if len(input) > maxInput {
		return nil, model.Invalid("result.heard", "makes the input larger than 64 KiB", "")
	}
	return input, nil
}

// result is what the bundle's rules gave.
type result struct {
	model.Decision
	Heard additions `json:"heard"`
}

func readResult(text json.RawMessage) (model.Decision, additions, error) {
	var d result
	if err := resultShape.Read(text, &d); err != nil {
		return d.Decision, d.Heard, within("result", err)
	}
	switch d.Outcome {
	case model.Allow, model.Deny, model.NeedsApproval:
	default:
		return d.Decision, d.Heard, model.Invalid("result.outcome", "must be ALLOW, DENY or NEEDS_APPROVAL", "log the path souk/main/decision")
	}
	if len(d.Reasons) == 0 || len(d.Reasons) > 100 {
		return d.Decision, d.Heard, model.Invalid("result.reasons", "must name 1 to 100 reasons", "log the path souk/main/decision")
	}
	return d.Decision, d.Heard, nil
}

// dotted writes pointers into an event, /input/subject/name, as paths of the input.
func dotted(pointers []string) []string {
	var paths []string
	for _, p := range pointers {
		if rest, ok := strings.CutPrefix(p, "/input/"); ok {
			paths = append(paths, strings.ReplaceAll(rest, "/", "."))
		}
	}
	return paths
}
