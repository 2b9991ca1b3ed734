package store

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/souk-mesh/souk/graph/model"
)

// Prepare checks the change and gives its writes with canonical keys. What it
// refuses is the programmer's mistake, an error of kind Internal.
func (c Change) Prepare() ([]Write, error) {
	if c.Action == "" {
		return nil, &model.Error{Kind: model.KindInternal, Message: "a change without an action", Hint: "say what is done, as in \"product.publish\""}
	}
	type key struct {
		kind Kind
		id   model.ID
	}
	seen := map[key]bool{}
	writes := slices.Clone(c.Writes)
	for i := range writes {
		r := &writes[i].Record
		if at := (key{r.Kind, r.ID}); seen[at] {
			return nil, c.refuse(*r, "it is written twice", "put all that changes into one write")
		} else {
			seen[at] = true
		}
		if err := c.prepare(&writes[i]); err != nil {
			return nil, err
		}
	}
	for _, n := range c.Needs {
		if _, ok := SchemaOf(n.Kind); !ok {
			return nil, c.refuse(Record{Kind: n.Kind, ID: n.ID}, "no such kind", "declare its table")
		}
	}
	return writes, nil
}

func (c Change) prepare(w *Write) error {
	r := &w.Record
	schema, ok := SchemaOf(r.Kind)
	switch {
	case !ok:
		return c.refuse(*r, "no such kind", "declare its table")
	case r.Kind == Events.Kind():
		return c.refuse(*r, "events are written by the store alone", "leave it out: every change makes its own")
	case c.Quiet && !slices.Contains([]Kind{DecisionHeads.Kind(), SourceGrantings.Kind(), SessionUses.Kind()}, r.Kind):
		return c.refuse(*r, "a quiet change leaves no event, and this is no note of the server's own", "let everybody hear of it")
	case r.ID == "":
		return c.refuse(*r, "it has no id", "mint one with model.NewID")
	case r.Revision < 0 || (w.Delete && r.Revision == 0):
		return c.refuse(*r, "it names no revision", "write over the record as it was read")
	}
	keys, err := schema.Canonical(r.Keys)
	if err != nil {
		return c.refuse(*r, err.Error(), "")
	}
	r.Keys = keys
	return nil
}

// Canonical gives keys with canonical values; a path without a value is left out.
func (s Schema) Canonical(keys Keys) (Keys, error) {
	canonical := make(Keys, len(keys))
	for path, list := range keys {
		values, err := s.keysOf(path, list)
		if err != nil {
			return nil, err
		}
		if len(values) > 0 {
			canonical[path] = values
		}
	}
	return canonical, nil
}

// keysOf gives the canonical values of a path: no nulls, none twice.
func (s Schema) keysOf(p Path, list []Value) ([]Value, error) {
	if !slices.Contains(s.Paths, p) {
		return nil, fmt.Errorf("%s has no path %q: use one of %s", s.Kind, p, join(s.Paths))
	}
	all, err := canonicalList(list)
	if err != nil {
		return nil, fmt.Errorf("path %s: %w", p, err)
	}
	var values []Value
	for _, v := range all {
		if v != nil && !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	if len(values) > 1 && !s.Multi(p) {
		return nil, fmt.Errorf("path %s has more than one value (%d): declare a Multi index that begins with it", p, len(values))
	}
	return values, nil
}

func (c Change) refuse(r Record, what, remedy string) error {
	return &model.Error{Kind: model.KindInternal, Message: fmt.Sprintf("change %q, %s %q: %s", c.Action, r.Kind, r.ID, what), Hint: remedy}
}

// Event makes the event of the change and the write that keeps it. An engine
// calls it inside the transaction, when the change's number is known.
func (c Change) Event(seq int64, at time.Time) (model.Event, Write) {
	e := model.Event{
		Meta: model.Meta{ID: model.NewID(model.PrefixEvent), CreatedAt: at, UpdatedAt: at}, Seq: seq, At: at, ActorID: c.Actor, Action: c.Action,
		SubjectID: c.Subject, Reason: c.Reason, DecisionID: c.Decision, RequestID: c.Request,
	}
	for _, w := range c.Writes {
		e.Touched = append(e.Touched, model.Touch{Kind: string(w.Record.Kind), ID: w.Record.ID, Revision: w.Record.Revision + 1, Deleted: w.Delete})
	}
	w := Events.write(e)
	e.Revision = w.Record.Revision + 1
	return e, w
}

// Stale is the conflict of a write whose revision is not the current one;
// current is 0 when the record does not exist.
func (s Schema) Stale(w Write, current model.Revision) error {
	switch {
	case w.Record.Revision == 0:
		return model.Exists("id", fmt.Sprintf("a %s with the id %q exists already", s.Noun, w.Record.ID), "read it and change it instead")
	case current == 0:
		return model.Stale("expectedVersion", fmt.Sprintf("the %s %q is gone", s.Noun, w.Record.ID), "somebody removed it after you read it")
	default:
		return model.Stale("expectedVersion", fmt.Sprintf("the %s %q was changed by somebody else: you read version %d, now it is %d", s.Noun, w.Record.ID, w.Record.Revision, current),
			"read it again and repeat your change")
	}
}

// Binds reports whether the unique index holds a record with the keys to
// account: a key with a null is nobody's.
func (x Index) Binds(keys Keys) bool {
	return x.Unique && !slices.ContainsFunc(x.Paths, func(p Path) bool { return First(keys[p]) == nil })
}

// Taken is the conflict of a write that breaks a unique index. The field is
// the index's last path, which is the part that its writer chose.
func (s Schema) Taken(x Index) error {
	words := strings.ReplaceAll(join(x.Paths), ", ", " and ")
	return model.Exists(string(x.Paths[len(x.Paths)-1]), fmt.Sprintf("another %s has the same %s", s.Noun, words), "choose another "+string(x.Paths[len(x.Paths)-1]))
}
