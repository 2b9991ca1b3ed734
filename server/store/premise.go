package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
)

// Unnamed is the premise of a change that takes a record away: nothing that was
// written after the event names it. Its remover has looked at what did up to
// then. The zero value wants nothing.
type Unnamed struct {
	As    []string // how others name the record: by its id, by its name
	Since int64    // the number of the newest event when the remover began to look
}

// in reports a document that names the record.
func (u Unnamed) in(doc []byte) bool {
	return slices.ContainsFunc(u.As, func(as string) bool {
		word, err := json.Marshal(as)
		return err == nil && bytes.Contains(doc, word)
	})
}

// Later are the changes after an event, as an engine reads them in the
// transaction that another is to join.
type Later struct {
	Events func(since int64) ([]model.Event, error)
	Docs   func(kind Kind, ids []model.ID) ([][]byte, error)
	Group  []*Job // those that join with it, and are not to be read yet
}

// Check refuses the change when something has come to name what it takes away.
func (u Unnamed) Check(later Later) error {
	if len(u.As) == 0 {
		return nil
	}
	for _, j := range later.Group {
		if j.Err == nil && slices.ContainsFunc(j.Change.Writes, func(w Write) bool { return hangs(w.Record.Kind) && u.in(w.Record.Doc) }) {
			return u.named()
		}
	}
	events, err := later.Events(u.Since)
	if err != nil {
		return err
	}
	for kind, ids := range leftBy(events) {
		docs, err := later.Docs(kind, ids)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(docs, u.in) {
			return u.named()
		}
	}
	return nil
}

// hangs reports a kind whose records depend on those that they name. A decision
// tells of what it was about, and somebody who was refused keeps nothing in place.
func hangs(kind Kind) bool { return kind != Decisions.Kind() }

// leftBy lists what the events have left behind.
func leftBy(events []model.Event) map[Kind][]model.ID {
	ids := map[Kind][]model.ID{}
	for _, e := range events {
		for _, t := range e.Touched {
			if kind := Kind(t.Kind); !t.Deleted && hangs(kind) {
				ids[kind] = append(ids[kind], t.ID)
			}
		}
	}
	return ids
}

func (u Unnamed) named() error {
	return model.Stale("id", fmt.Sprintf("something came to name %q at the same moment", u.As[0]), "look again at what depends on it")
}

// Gone is the conflict of a change that needs a record which is not there.
func (s Schema) Gone(id model.ID) error {
	return &model.Error{
		Kind: model.KindConflict, Code: model.CodeStale, ID: id,
		Message: fmt.Sprintf("the %s %q is gone", s.Noun, id), Hint: "somebody removed it after you looked; name another",
	}
}
