package decisionlog

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog/chain"
	"github.com/souk-mesh/souk/server/store"
)

const (
	headID      model.ID = "dhd_log"   // of the one record of its kind
	anchorEvery          = time.Second // so many rows can be cut off unseen, with a head of then
	anchorTries          = 5
	anchorLimit          = 2 * time.Second // at closing
)

// compare tells what is missing from the log by what the store remembers, and
// from the store by what the log has followed. Each was durable before the
// other spoke of it, so an accident in between makes no difference.
func (l *Log) compare(ctx context.Context) ([]string, error) {
	if l.config.Fault != "" {
		return []string{"the log is not compared with the store, which cannot be read: " + l.config.Fault}, nil
	}
	if l.config.Store == nil {
		return nil, nil
	}
	known, err := l.remembered(ctx) // before the log is read: it only grows
	if err != nil {
		return nil, err
	}
	segments, err := l.keeper.Segments(ctx)
	if err != nil {
		return nil, err
	}
	behind, err := l.storeBehind(ctx, known == nil && len(segments) > 0)
	if err != nil {
		return nil, err
	}
	if known == nil {
		unknown, err := l.logUnknown(ctx, len(segments))
		return append(behind, unknown...), err
	}
	missing, err := l.logBehind(ctx, *known, segments)
	return append(behind, missing...), err
}

// remembered is the head that the store knows of; nil is none.
func (l *Log) remembered(ctx context.Context) (*model.DecisionHead, error) {
	found, err := store.DecisionHeads.GetMany(ctx, l.config.Store, headID)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// storeBehind compares the end of the store with how far the log has followed it.
func (l *Log) storeBehind(ctx context.Context, rows bool) ([]string, error) {
	cursor, err := l.keeper.Cursor(ctx)
	if err != nil {
		return nil, err
	}
	last, err := l.lastEvent(ctx)
	switch {
	case err != nil:
		return nil, err
	case last == 0 && rows:
		return []string{"the store is empty, and the decision log beside it is not"}, nil
	case last < cursor:
		return []string{fmt.Sprintf("the store ends with change %d, and the decision log has followed it to change %d: the store has lost %s", last, cursor, model.Counted(cursor-last, "change"))}, nil
	}
	return nil, nil
}

// logBehind looks in the log for the row that the store remembers.
func (l *Log) logBehind(ctx context.Context, known model.DecisionHead, segments []chain.Segment) ([]string, error) {
	if known.PublicKey != l.PublicKey() {
		return []string{fmt.Sprintf("the store knows its decision log by the key %s, and this log has the key %s: it is another log, or a new one", known.PublicKey, l.PublicKey())}, nil
	}
	var end int64
	if len(segments) > 0 {
		end = segments[len(segments)-1].Seq
	}
	if end < known.Seq {
		return []string{fmt.Sprintf("the decision log ends with row %d, and the store knows that it had come to row %d: the rows between are gone", end, known.Seq)}, nil
	}
	rows, err := l.keeper.Rows(ctx, chain.Query{Segment: known.Segment, After: known.Seq - 1, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 || rows[0].Seq != known.Seq || rows[0].Hash.String() != known.Hash {
		return []string{fmt.Sprintf("row %d of the decision log is not the one that the store remembers", known.Seq)}, nil
	}
	return nil, nil
}

// logUnknown looks at a store that remembers no log: an earlier souk wrote it.
// It kept the decisions of its last day for the log to copy; when an older one
// is gone, there was a log that had copied it.
func (l *Log) logUnknown(ctx context.Context, segments int) ([]string, error) {
	if segments > 0 {
		return nil, nil
	}
	page, err := store.Events.Find(ctx, l.config.Store, store.Query{Index: "by_seq", Limit: feedPage})
	if err != nil {
		return nil, err
	}
	var ids []model.ID
	for _, e := range page.Nodes {
		ids = append(ids, decisionsOf(e)...)
	}
	found, err := store.Decisions.GetMany(ctx, l.config.Store, ids...)
	if err == nil && len(found) < len(ids) {
		return []string{"the decision log is gone: there is none beside the store, whose first decisions have been moved into one"}, nil
	}
	return nil, err
}

// agree refuses a log that cannot be this store's, or one that has lost rows,
// unless its operator has accepted that.
func (l *Log) agree(ctx context.Context) error {
	problems, err := l.compare(ctx)
	if err != nil || len(problems) == 0 {
		return err
	}
	for _, p := range problems {
		l.config.Log.ErrorContext(ctx, "the store and its decision log do not belong together", "what", p)
	}
	if l.config.Accept == "" {
		return mismatch(problems)
	}
	return l.accept(ctx, problems)
}

// accept goes on from what there is, and leaves a change that says so. The log
// follows the store from where that ends now.
func (l *Log) accept(ctx context.Context, problems []string) error {
	l.accepted = problems
	cursor, err := l.keeper.Cursor(ctx)
	if err != nil {
		return err
	}
	last, err := l.lastEvent(ctx)
	if err != nil {
		return err
	}
	if last < cursor && l.head.Name != "" {
		b := l.batch(nil, &chain.Step{From: cursor, To: last})
		if err := l.keeper.Commit(ctx, b); err != nil {
			return err
		}
		l.head = b.After
	}
	d := l.acceptance(problems)
	return l.remember(ctx, store.Change{
		Action: string(ActAccept), Reason: l.config.Accept + ": " + strings.Join(problems, "; "),
		Decision: d.ID, Writes: []store.Write{store.Decisions.Put(d)},
	})
}

// ActAccept is the action of the one row that no policy has decided.
const ActAccept model.Action = "decision.accept"

// acceptance is the row of what was accepted: by whom, why, and what is missing.
// It has no input, so nothing of it is ever erased.
func (l *Log) acceptance(problems []string) model.DecisionRecord {
	id := model.NewID(model.PrefixDecision)
	by := cmp.Or(l.config.Accepting, "somebody")
	reasons := []model.Reason{{Code: "log.accepted", Message: "accepted by " + by + ": " + l.config.Accept, Origin: "operator"}}
	for _, p := range problems {
		reasons = append(reasons, model.Reason{Code: "log.missing", Message: p, Origin: "engine"})
	}
	return model.DecisionRecord{
		Meta: model.Meta{ID: id}, At: l.config.Now(), Action: ActAccept, PrincipalID: model.System().ID, Outcome: model.Allow,
		Decision: model.Decision{ID: id, Outcome: model.Allow, Reasons: reasons},
	}
}

// look compares store and log again, while both are open. Where one of them
// cannot be read, what was found before stays.
func (l *Log) look(ctx context.Context) {
	problems, err := l.compare(ctx)
	switch {
	case err != nil:
	case len(problems) == 0:
		l.unfit.Store(nil)
	default:
		l.unfit.Store(new(mismatch(problems)))
	}
}

// Fits tells whether the store and the log belonged together at the last look.
func (l *Log) Fits() bool { return l.unfit.Load() == nil }

func mismatch(problems []string) error {
	return &model.Error{
		Kind: model.KindUnavailable, Code: "LOG_MISMATCH", Message: strings.Join(problems, "; "),
		Hint: "bring back what is missing, with souk restore FILE; or go on without it, which the audit feed then says: souk decisions accept --reason TEXT",
	}
}

// Accepted tells what was missing and was accepted when the log was opened.
func (l *Log) Accepted() []string { return l.accepted }

// anchor has the store remember the head of the log, if it has moved since. It
// leaves no event: nobody follows it. Other processes anchor the same head.
func (l *Log) anchor(ctx context.Context) error {
	if l.config.Store == nil || l.config.ReadOnly {
		return nil
	}
	for try := 1; ; try++ {
		err := l.remember(ctx, store.Change{Action: "decision.anchor", Quiet: true})
		if !model.LostRace(err) || try == anchorTries {
			return err
		}
	}
}

// keepAnchored anchors the head again and again, while this process writes rows.
func (l *Log) keepAnchored(ctx context.Context) {
	clock := time.NewTicker(anchorEvery)
	defer clock.Stop()
	for anchored := int64(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-clock.C:
		}
		written := l.written.Load()
		if written <= anchored {
			continue
		}
		err := l.anchor(ctx)
		if err == nil {
			anchored = written
		} else if ctx.Err() == nil {
			l.config.Log.Error("the store does not remember the head of the decision log", "error", err)
		}
	}
}

// remember writes the head with the change.
func (l *Log) remember(ctx context.Context, c store.Change) error {
	segments, err := l.keeper.Segments(ctx)
	if err != nil {
		return err
	}
	known, err := l.remembered(ctx)
	if err != nil {
		return err
	}
	h := model.DecisionHead{Meta: model.Meta{ID: headID}, PublicKey: l.PublicKey()}
	if len(segments) > 0 {
		end := segments[len(segments)-1]
		h.Segment, h.Seq, h.Hash = end.Name, end.Seq, end.Hash.String()
	}
	if known != nil {
		h.Meta = known.Meta
	}
	switch {
	case c.Quiet && (h.Seq == 0 || (known != nil && known.Seq >= h.Seq)):
		return nil
	case h.Seq > 0:
		c.Writes = append(c.Writes, store.DecisionHeads.Put(h))
	case known != nil: // a new log: the store forgets the old one
		c.Writes = append(c.Writes, store.DecisionHeads.Delete(*known))
	}
	c.Actor, c.Subject = model.System().ID, headID
	_, err = l.config.Store.Apply(ctx, c)
	return err
}

// own refuses to go on from a head that this log's key has not signed: the next
// signature would vouch for rows that are not this log's.
func (l *Log) own(s chain.Segment) error {
	if s.Name == "" || s.Signed(l.sign.Public().(ed25519.PublicKey)) {
		return nil
	}
	return &model.Error{
		Kind: model.KindUnavailable, Code: "LOG_FOREIGN",
		Message: fmt.Sprintf("the decision log is not signed with its key: the head of segment %s does not fit the public key %s", s.Name, l.PublicKey()),
		Hint:    "bring the log's own key back, or log and key with souk restore FILE; if that is lost, move log and key away, keep them, and go on with: souk decisions accept --reason TEXT",
	}
}

// leave anchors the head for the last time.
func (l *Log) leave() error {
	ctx, cancel := context.WithTimeout(context.Background(), anchorLimit)
	defer cancel()
	err := l.anchor(ctx)
	if errors.Is(err, context.DeadlineExceeded) || model.Is(err, model.KindUnavailable) {
		return nil // the store has gone first; the anchor only lags behind
	}
	return err
}
