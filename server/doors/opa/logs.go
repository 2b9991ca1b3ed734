package opa

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/doors"
	"github.com/souk-mesh/souk/server/exact"
	"github.com/souk-mesh/souk/server/pdp"
)

const (
	maxPacked   = 4 << 20
	maxUnpacked = 32 << 20
	path        = "souk/main/decision" // what an engine is asked for
)

// event is one entry of OPA's decision log, as far as it concerns us.
type event struct {
	ID        string          `json:"decision_id"`
	Path      string          `json:"path"`
	Input     json.RawMessage `json:"input"`
	Result    json.RawMessage `json:"result"`
	Masked    []string        `json:"masked"`
	Erased    []string        `json:"erased"`
	Timestamp time.Time       `json:"timestamp"`
}

// eventsShape passes over what concerns others: engines add members.
var eventsShape = exact.Of[[]event](exact.PassedOver)

// receipt says what became of the events.
type receipt struct {
	Kept    int `json:"kept"`
	Known   int `json:"known"`
	Ignored int `json:"ignored"` // of other rules than ours
	Refused int `json:"refused"` // no decisions by our rules

	Why string `json:"why,omitempty"` // the first was refused
}

// logs takes a chunk of a decision log: a JSON array, packed or not.
func (d *Door) logs(w http.ResponseWriter, r *http.Request) {
	events, err := readEvents(w, r)
	if err != nil {
		doors.Refuse(w, r, d.log, err)
		return
	}
	var reports []pdp.Report
	for _, e := range events {
		if strings.Trim(e.Path, "/") != path {
			continue
		}
		reports = append(reports, pdp.Report{ID: e.ID, At: e.Timestamp, Input: e.Input, Result: e.Result, Masked: append(e.Masked, e.Erased...)})
	}
	tally, err := d.pdp.Accept(doors.By(r, model.ChannelOPA).Context(), reports)
	if err != nil {
		doors.Refuse(w, r, d.log, err)
		return
	}
	answer := receipt{Kept: tally.Kept, Known: tally.Known, Ignored: len(events) - len(reports), Refused: tally.Refused}
	if tally.Why != nil {
		answer.Why = tally.Why.Error()
		d.log.WarnContext(r.Context(), "logged decisions refused", "count", tally.Refused, "first", answer.Why)
	}
	doors.Write(w, http.StatusOK, answer)
}

func readEvents(w http.ResponseWriter, r *http.Request) ([]event, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return nil, model.Invalid("Content-Type", "is not application/json", "send the header Content-Type: application/json")
	}
	body := io.Reader(http.MaxBytesReader(w, r.Body, maxPacked))
	switch strings.ToLower(r.Header.Get("Content-Encoding")) {
	case "", "identity":
	case "gzip":
		if body, err = gzip.NewReader(body); err != nil {
			return nil, model.Invalid("body", "is not packed with gzip", "")
		}
	default:
		return nil, model.Invalid("Content-Encoding", "is unknown", "pack with gzip, or not at all")
	}
	text, err := io.ReadAll(io.LimitReader(body, maxUnpacked+1))
	if _, large := errors.AsType[*http.MaxBytesError](err); large || len(text) > maxUnpacked {
		return nil, model.Invalid("body", "is larger than 4 MiB packed or 32 MiB unpacked", "send smaller chunks")
	}
	if err != nil {
		return nil, model.Invalid("body", "ended early or is damaged", "")
	}
	var events []event
	return events, eventsShape.Read(text, &events)
}
