// Package store is the keeper of records: one small port that two engines
// implement, and the declared tables and indexes that both serve. It owns
// atomicity, revisions, the order of pages and the event that every change
// leaves behind, all but the server's own notes. It refuses any query that no declared index serves, and it
// knows no rule of the mesh: those live in the services above.
package store

import (
	"context"
	"iter"

	"github.com/souk-mesh/souk/graph/model"
)

// Store keeps records. Both engines pass the suite in storetest, and a
// difference between them is a bug.
type Store interface {
	// Get returns the records that exist among the ids, in the order of the ids.
	Get(ctx context.Context, kind Kind, ids ...model.ID) ([]Record, error)

	// Revisions tells at which revisions those of the records stand that exist,
	// and reads nothing more of them.
	Revisions(ctx context.Context, kind Kind, ids ...model.ID) (map[model.ID]model.Revision, error)

	// Size tells how many records of the kind there are, roughly.
	Size(ctx context.Context, kind Kind) (int, error)

	// Find returns one page in the order of the query's index. A query that
	// the index does not serve, or that scans beyond its budget, is an error
	// of kind Internal: it is the programmer's. A cursor of another query is
	// an error of kind BadCursor.
	Find(ctx context.Context, q Query) (Page, error)

	// Version tells how the tables stand, as a number: while it is the same nothing
	// is written into them, by this process or another. It is asked for before the
	// tables are read. It is false where that cannot be told, such as during a write
	// and of tables that harvests fill.
	Version(ctx context.Context, kinds ...Kind) (int64, bool, error)

	// Apply writes the change and its event, whole or not at all; a quiet one
	// has no event, and the answer is empty. A record
	// whose revision is not the expected one, a record that it needs and that is
	// not there, something new that names what it takes away, or a broken unique
	// index is an error of kind Conflict.
	Apply(ctx context.Context, c Change) (model.Event, error)

	// Events yields every event after the sequence number in commit order and
	// then waits for more, until the context ends. An error is yielded once,
	// and is the last; the end of the context is no error.
	Events(ctx context.Context, after int64) iter.Seq2[model.Event, error]

	Close() error
}

// Mode says what opening a store may do.
type Mode int

// The modes.
const (
	Make     Mode = iota // makes the store where there is none
	Existing             // a store that is there, to read and to write; none is an error of kind NotFound
	Reading              // looks on beside the process that writes, and never writes nor makes anything
)

// Kind names a table.
type Kind string

// Record is one row as the engines see it: a document, and beside it the
// values of the declared paths, which are all that a filter may speak of. Keys
// are for writing: the records that Get and Find return have none.
type Record struct {
	Kind     Kind
	ID       model.ID
	Revision model.Revision
	Doc      []byte // JSON
	Keys     Keys
}

// Path names a value that a table extracts from its documents.
type Path string

// Keys holds the extracted values of one record. A path that is not Multi has
// at most one value; a missing path is null and sorts first.
type Keys map[Path][]Value

// Value is nil, a string in NFC, an int64 or a bool. Times are int64
// milliseconds since 1970. The empty string is null. One path holds values of
// one type.
type Value any

// Change is a write as a value: it can be looked at, logged and refused before
// anything happens.
type Change struct {
	Actor    model.ID
	Action   string // what was done, as the audit feed names it: "product.publish"
	Subject  model.ID
	Reason   string
	Decision model.ID
	Request  string
	Writes   []Write
	Quiet    bool // leaves no event: for what the server notes for itself again and again, and nobody follows

	Needs   []Self  // records that it builds on without writing them: they have to be there
	Unnamed Unnamed // what it takes away, and nobody may have come to build on
}

// Write puts or deletes one record. Record.Revision is the revision that the
// writer read: zero creates, and anything else must still be current.
type Write struct {
	Record Record
	Delete bool
}
