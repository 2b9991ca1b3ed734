package decisionlog

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog/chain"
)

const saltLength = 16

// body is what a row says for good. Its JSON is written by hand, in this
// order: encoding it by reflection costs more than deciding.
type body struct {
	model.DecisionRecord
	InputHash string `json:"inputHash"` // "" when there never was an input
}

// entry makes the row of a decision, all but its place.
func (l *Log) entry(d model.DecisionRecord) chain.Entry {
	d.ID, d.PrincipalID, d.ResourceID, d.Domain, d.Action = valid(d.ID), valid(d.PrincipalID), valid(d.ResourceID), valid(d.Domain), valid(d.Action)
	d.AskedBy = valid(d.AskedBy)
	e := chain.Entry{Keys: keysOf(d)}
	sum := ""
	if len(d.Input) > 0 {
		var masked []string
		e.Input, masked = l.masked(d)
		d.Masked = append(masked, d.Masked...)
		e.Salt = make([]byte, saltLength)
		_, _ = rand.Read(e.Salt)
		sum = chain.SumInput(e.Salt, e.Input).String()
	}
	e.Body = appendBody(make([]byte, 0, 640), d, sum)
	return e
}

// valid makes text of what a stranger's log may say, so that a row and its
// keys agree.
func valid[S ~string](s S) S { return S(strings.ToValidUTF8(string(s), "?")) }

func keysOf(d model.DecisionRecord) chain.Keys {
	return chain.Keys{
		ID: d.ID, At: d.At.UnixMilli(), Principal: d.PrincipalID, Resource: d.ResourceID,
		Domain: d.Domain, Action: d.Action, Outcome: d.Outcome,
	}
}

func appendBody(b []byte, d model.DecisionRecord, inputHash string) []byte {
	b = text(append(b, `"id":`...), string(d.ID))
	b = append(b, `,"at":"`...)
	b = append(d.At.UTC().AppendFormat(b, time.RFC3339Nano), '"')
	for _, f := range [...]struct{ name, value string }{
		{"action", string(d.Action)},
		{"principalId", string(d.PrincipalID)},
		{"resourceId", string(d.ResourceID)},
		{"domain", string(d.Domain)},
		{"outcome", string(d.Outcome)},
		{"requestId", d.RequestID},
		{"inputHash", inputHash},
	} {
		b = append(append(append(b, `,"`...), f.name...), `":`...)
		b = text(b, f.value)
	}
	b = appendDecision(append(b, `,"decision":`...), d.Decision)
	if d.List != nil {
		b = rare(append(b, `,"list":`...), d.List)
	}
	if len(d.Masked) > 0 {
		b = rare(append(b, `,"masked":`...), d.Masked)
	}
	if d.AskedBy != "" {
		b = text(append(b, `,"askedBy":`...), string(d.AskedBy))
	}
	if d.Hidden {
		b = append(b, `,"hidden":true`...)
	}
	return append(b, '}')
}

func appendDecision(b []byte, d model.Decision) []byte {
	b = text(append(b, `{"id":`...), string(d.ID))
	b = text(append(b, `,"outcome":`...), string(d.Outcome))
	b = append(b, `,"reasons":[`...)
	for i, r := range d.Reasons {
		if i > 0 {
			b = append(b, ',')
		}
		b = text(append(b, `{"code":`...), r.Code)
		b = text(append(b, `,"message":`...), r.Message)
		b = append(text(append(b, `,"origin":`...), r.Origin), '}')
	}
	b = append(b, ']')
	if len(d.Obligations) > 0 {
		b = rare(append(b, `,"obligations":`...), d.Obligations)
	}
	if len(d.Approvals) > 0 {
		b = rare(append(b, `,"approvals":`...), d.Approvals)
	}
	b = strconv.AppendInt(append(b, `,"ttlMax":`...), int64(d.TTLMax), 10)
	b = text(append(b, `,"revisions":{"platform":`...), d.Revisions.Platform)
	b = text(append(b, `,"domain":`...), d.Revisions.Domain)
	if d.Revisions.Consent != "" {
		b = text(append(b, `,"consent":`...), d.Revisions.Consent)
	}
	b = strconv.AppendInt(append(b, `},"steps":`...), int64(d.Steps), 10)
	return append(b, '}')
}

// text writes a string. What needs no escape, nearly all, is copied.
func text(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return rare(b, s)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// rare writes plain data that few rows have.
func rare(b []byte, v any) []byte {
	doc, _ := json.Marshal(v) // strings, numbers and lists of them always marshal
	return append(b, doc...)
}

// decode reads a row back.
func decode(r chain.Row) (body, error) {
	var b body
	if err := json.Unmarshal(r.Body, &b); err != nil {
		return b, fmt.Errorf("row %d of the decision log is damaged: %w", r.Seq, err)
	}
	b.Input = r.Input
	b.CreatedAt, b.UpdatedAt = b.At, b.At
	b.Revision = 1
	return b, nil
}

func (b body) inputSum() (sum chain.Hash, ok bool) {
	raw, err := hex.DecodeString(b.InputHash)
	return sum, err == nil && copy(sum[:], raw) == len(sum)
}
