package decisionlog

import (
	"context"
	"crypto/ed25519"
	"fmt"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog/chain"
)

// maxProblems is how many problems a report describes; it counts them all.
const maxProblems = 100

// Problem is something in the log that is not as it was written.
type Problem struct {
	Segment string   `json:"segment"`
	Seq     int64    `json:"seq,omitempty"` // the row at fault; 0 when it is no row
	ID      model.ID `json:"id,omitempty"`
	Message string   `json:"message"`
}

// String names the place and says what is wrong there.
func (p Problem) String() string {
	if p.Segment == "" {
		return p.Message
	}
	if p.Seq == 0 {
		return fmt.Sprintf("segment %s: %s", p.Segment, p.Message)
	}
	if p.ID == "" {
		return fmt.Sprintf("segment %s, row %d: %s", p.Segment, p.Seq, p.Message)
	}
	return fmt.Sprintf("segment %s, row %d (%s): %s", p.Segment, p.Seq, p.ID, p.Message)
}

// Report is what a verification found.
type Report struct {
	Rows      int64     `json:"rows"`
	Segments  int       `json:"segments"`
	Days      int       `json:"days"` // signed heads of days
	Erased    int64     `json:"erased"`
	Head      string    `json:"head"` // hash of the last row: note it down, and no later log can do without it
	PublicKey string    `json:"publicKey"`
	Problems  []Problem `json:"problems,omitempty"`
	Found     int       `json:"found"` // how many problems there are
}

// OK reports a log that is as it was written.
func (r Report) OK() bool { return r.Found == 0 }

// Verify reads the whole log and checks every hash, link and signature against
// the key of the log. It may run while rows are written. Progress, if any, is
// told how far it is.
func (l *Log) Verify(ctx context.Context, progress func(done, total int64)) (Report, error) {
	v := &verification{log: l, key: l.sign.Public().(ed25519.PublicKey), progress: progress, report: Report{PublicKey: l.PublicKey()}}
	segments, err := l.keeper.Segments(ctx)
	if err != nil {
		return v.report, err
	}
	v.report.Segments = len(segments)
	for _, s := range segments {
		v.total += max(0, s.Rows())
	}
	before := chain.Segment{Closed: true}
	for i, s := range segments {
		v.segment = s
		v.follows(before, i == len(segments)-1)
		if err := v.rows(ctx); err != nil {
			return v.report, err
		}
		before = s
	}
	if len(segments) > 0 {
		v.report.Head = before.Hash.String()
	}
	return v.report, v.beside(ctx)
}

// beside asks the database about its files, and compares the log with the store.
func (v *verification) beside(ctx context.Context) error {
	v.segment = chain.Segment{}
	damage, err := v.log.keeper.Damage(ctx)
	if err != nil {
		return err
	}
	missing, err := v.log.compare(ctx)
	for _, p := range append(damage, missing...) {
		v.problem(0, "", "%s", p)
	}
	return err
}

// verification is one walk through the log.
type verification struct {
	log      *Log
	key      ed25519.PublicKey
	progress func(done, total int64)
	total    int64
	report   Report

	segment  chain.Segment
	marks    map[int64]chain.Mark
	next     int64      // the row that comes next
	prev     chain.Hash // of the row before it
	earlier  chain.Hash // of the row before that
	signed   int64      // up to here a signature vouches for the rows
	lastID   model.ID
	reported int64 // the last row that a problem was found with
}

func (v *verification) problem(seq int64, id model.ID, format string, values ...any) {
	v.report.Found++
	v.reported = max(v.reported, seq)
	if len(v.report.Problems) < maxProblems {
		v.report.Problems = append(v.report.Problems, Problem{Segment: v.segment.Name, Seq: seq, ID: id, Message: fmt.Sprintf(format, values...)})
	}
}

// follows checks the head of a segment against the segment before it.
func (v *verification) follows(before chain.Segment, last bool) {
	s := v.segment
	if !s.Signed(v.key) {
		v.problem(0, "", "its head was changed: the signature does not fit the key %s", v.report.PublicKey)
	}
	switch {
	case s.First != before.Seq+1:
		v.problem(0, "", "the rows %d to %d before it are missing", before.Seq+1, s.First-1)
	case s.Base != before.Hash:
		v.problem(0, "", "it does not continue the segment before it")
	}
	if last && s.Closed {
		v.problem(0, "", "it is closed, and the segment after it is missing")
	}
	v.next, v.prev, v.earlier, v.signed, v.reported = s.First, s.Base, chain.Hash{}, s.First-1, 0
}

// rows checks the rows of the segment, and that they end where its head says.
func (v *verification) rows(ctx context.Context) error {
	if err := v.loadMarks(ctx); err != nil {
		return err
	}
	for after := int64(0); ; {
		rows, err := v.log.keeper.Rows(ctx, chain.Query{Segment: v.segment.Name, After: after, Limit: readRows})
		if err != nil {
			return err
		}
		for _, r := range rows {
			if r.Seq > v.segment.Seq {
				v.tell()
				return v.beyond(ctx, r)
			}
			v.row(ctx, r)
			after = r.Seq
		}
		v.tell()
		if len(rows) < readRows {
			v.end()
			return nil
		}
	}
}

func (v *verification) tell() {
	if v.progress != nil {
		v.progress(v.report.Rows, v.total)
	}
}

func (v *verification) loadMarks(ctx context.Context) error {
	marks, err := v.log.keeper.Marks(ctx, v.segment.Name)
	v.marks = make(map[int64]chain.Mark, len(marks))
	for _, m := range marks {
		v.report.Days++
		if !m.Signed(v.key) {
			v.problem(0, "", "the head of the day %s was changed: its signature does not fit", m.Day)
			continue
		}
		v.marks[m.Seq] = m
	}
	return err
}

// row checks one row by itself and against the row before it.
func (v *verification) row(ctx context.Context, r chain.Row) {
	v.report.Rows++
	id := r.Keys.ID
	switch {
	case r.Seq < v.next:
		v.problem(r.Seq, id, "it was inserted before the first row of the segment")
		return
	case r.Seq > v.next:
		v.problem(v.next, "", "the rows %d to %d are missing", v.next, r.Seq-1)
		v.prev, v.earlier = r.Prev, chain.Hash{}
	}
	b, err := decode(r)
	whole := chain.Sum(r.Prev, r.Body) == r.Hash
	switch {
	case !whole || err != nil:
		v.problem(r.Seq, id, "it was changed: its hash does not fit what it says")
	case b.Seq != r.Seq:
		if r.Prev == v.earlier && r.Prev != v.prev {
			v.problem(r.Seq-1, v.lastID, "it was inserted")
		}
		v.problem(r.Seq, id, "it was moved: it was written as row %d", b.Seq)
	case keysOf(b.DecisionRecord) != r.Keys:
		v.problem(r.Seq, id, "what it is found by was changed: it does not say the same as the row")
	}
	if r.Prev != v.prev && whole && b.Seq == r.Seq && v.reported < r.Seq-1 {
		v.problem(r.Seq-1, v.lastID, "it was replaced: it is not the row that row %d was written after", r.Seq)
	}
	if whole && err == nil && b.Seq == r.Seq {
		v.input(ctx, r, b)
	}
	v.mark(r)
	v.next, v.earlier, v.prev, v.lastID = r.Seq+1, v.prev, r.Hash, id
}

// input checks what the row says of its input.
func (v *verification) input(ctx context.Context, r chain.Row, b body) {
	sum, had := b.inputSum()
	switch {
	case r.Input == nil && had && r.Seq > v.segment.Erased:
		if fresh, ok := v.fresh(ctx); !ok || r.Seq > fresh.Erased {
			v.problem(r.Seq, r.Keys.ID, "its input was removed before its time")
		}
	case r.Input == nil && had:
		v.report.Erased++
	case r.Input == nil:
	case !had:
		v.problem(r.Seq, r.Keys.ID, "an input was added to it")
	case chain.SumInput(r.Salt, r.Input) != sum:
		v.problem(r.Seq, r.Keys.ID, "its input was changed")
	case r.Seq <= v.segment.Erased:
		v.problem(r.Seq, r.Keys.ID, "its input was erased and is back")
	}
}

// mark compares the row with the signature of a day that ended with it.
func (v *verification) mark(r chain.Row) {
	m, ok := v.marks[r.Seq]
	if !ok {
		return
	}
	if m.Hash != r.Hash {
		v.problem(r.Seq, r.Keys.ID, "the rows %d to %d were rewritten: they do not end in what was signed for %s", v.signed+1, r.Seq, m.Day)
	}
	v.signed = r.Seq
}

// end compares the last row with the head.
func (v *verification) end() {
	switch {
	case v.next <= v.segment.Seq:
		v.problem(v.next, "", "the rows %d to %d at the end are missing", v.next, v.segment.Seq)
	case v.prev != v.segment.Hash && v.reported < v.segment.Seq:
		v.problem(v.segment.Seq, v.lastID, "the rows %d to %d were rewritten: they do not end in what was signed", v.signed+1, v.segment.Seq)
	}
}

// beyond looks at a row after the head: either the log has grown meanwhile, or
// somebody has added it.
func (v *verification) beyond(ctx context.Context, r chain.Row) error {
	v.end()
	fresh, ok := v.fresh(ctx)
	if !ok || fresh.Seq < r.Seq || !fresh.Signed(v.key) {
		v.problem(r.Seq, r.Keys.ID, "it was inserted after the signed end of the log")
	}
	return ctx.Err()
}

// fresh reads the head of the segment again.
func (v *verification) fresh(ctx context.Context) (chain.Segment, bool) {
	segments, err := v.log.keeper.Segments(ctx)
	if err != nil {
		return chain.Segment{}, false
	}
	for _, s := range segments {
		if s.Name == v.segment.Name {
			return s, s.Signed(v.key)
		}
	}
	return chain.Segment{}, false
}
