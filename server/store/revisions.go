package store

import "github.com/souk-mesh/souk/graph/model"

// Self names a record among all kinds.
type Self struct {
	Kind Kind
	ID   model.ID
}

// Revisions are the current ones of the records that a group of changes
// touches; an absent record has none. They are for engines that read them all
// before they write.
type Revisions map[Self]model.Revision

// Take checks what one change needs and writes and, when all is good, moves the
// revisions on for the changes after it. Otherwise it gives the good writes
// before the first that is not.
func (c Revisions) Take(change Change) (good []Write, err error) {
	writes := change.Writes
	for _, n := range change.Needs {
		if c[n] == 0 {
			schema, _ := SchemaOf(n.Kind) // Prepare has found it
			return nil, schema.Gone(n.ID)
		}
	}
	for i, w := range writes {
		if now := c[w.Record.self()]; now != w.Record.Revision {
			schema, _ := SchemaOf(w.Record.Kind) // Prepare has found it
			return writes[:i], schema.Stale(w, now)
		}
	}
	for _, w := range writes {
		at := w.Record.self()
		if c[at]++; w.Delete {
			delete(c, at)
		}
	}
	return writes, nil
}

func (r Record) self() Self { return Self{r.Kind, r.ID} }
