package decisionlog

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"strings"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog/chain"
)

// exportPath is the decision that OPA would name in its own log: the rule that
// a bundle of Souk's policies answers with.
const exportPath = "souk/main"

// Event is a line of the export: the decision-log event of OPA, as its own
// readers understand it, and Souk's fields under the key souk.
type Event struct {
	Labels      map[string]string `json:"labels"`
	DecisionID  string            `json:"decision_id"`
	Bundles     map[string]Bundle `json:"bundles,omitempty"`
	Path        string            `json:"path"`
	Input       json.RawMessage   `json:"input,omitempty"`
	Result      json.RawMessage   `json:"result,omitempty"`
	Erased      []string          `json:"erased,omitempty"`
	Masked      []string          `json:"masked,omitempty"`
	RequestedBy string            `json:"requested_by,omitempty"`
	Timestamp   time.Time         `json:"timestamp"`
	Souk        Extra             `json:"souk"`
}

// Bundle names the revision of one package of policies.
type Bundle struct {
	Revision string `json:"revision"`
}

// Extra is what Souk says beyond OPA.
type Extra struct {
	Seq       int64               `json:"seq"`
	Hash      string              `json:"hash"`
	Previous  string              `json:"previous_hash"`
	Action    model.Action        `json:"action"`
	Principal model.ID            `json:"principal_id"`
	AskedBy   model.ID            `json:"asked_by,omitempty"`
	Resource  model.ID            `json:"resource_id,omitempty"`
	Domain    model.Slug          `json:"domain,omitempty"`
	Outcome   model.Outcome       `json:"outcome"`
	Request   string              `json:"request_id,omitempty"`
	List      *model.DecisionList `json:"list,omitempty"`
}

// Export writes the decisions that match as JSON lines, the oldest first, and
// counts them.
func (l *Log) Export(ctx context.Context, w io.Writer, f Filter) (int64, error) {
	if err := l.CatchUp(ctx); err != nil {
		return 0, err
	}
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	var written int64
	for r, err := range l.rows(ctx, f.rows(), 0, false, readRows) {
		if err != nil {
			return written, err
		}
		e, err := eventOf(r)
		if err != nil {
			return written, err
		}
		if err := lines.Encode(e); err != nil {
			return written, err
		}
		written++
	}
	return written, nil
}

func eventOf(r chain.Row) (Event, error) {
	b, err := decode(r)
	if err != nil {
		return Event{}, err
	}
	d := b.DecisionRecord
	e := Event{
		Labels: map[string]string{"app": "souk"}, DecisionID: string(d.ID), Path: exportPath, Input: d.Input,
		Bundles: bundles(d), RequestedBy: string(cmp.Or(d.AskedBy, d.PrincipalID)), Timestamp: d.At,
		Souk: Extra{
			Seq: r.Seq, Hash: r.Hash.String(), Previous: r.Prev.String(), Action: d.Action, Principal: d.PrincipalID, AskedBy: d.AskedBy,
			Resource: d.ResourceID, Domain: d.Domain, Outcome: d.Outcome, Request: d.RequestID, List: d.List,
		},
	}
	if e.Result, err = json.Marshal(d.Decision); err != nil {
		return e, err
	}
	if b.InputHash != "" && r.Input == nil {
		e.Erased = []string{"/input"}
	}
	for _, path := range d.Masked {
		e.Masked = append(e.Masked, "/input/"+strings.ReplaceAll(path, ".", "/"))
	}
	return e, nil
}

// bundles names the packages by the paths of their bundles.
func bundles(d model.DecisionRecord) map[string]Bundle {
	named := map[string]Bundle{}
	if revision := d.Decision.Revisions.Platform; revision != "" {
		named["souk/platform"] = Bundle{revision}
	}
	if revision := d.Decision.Revisions.Domain; revision != "" {
		named["souk/domains/"+string(d.Domain)] = Bundle{revision}
	}
	return named
}
