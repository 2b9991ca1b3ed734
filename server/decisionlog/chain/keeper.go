package chain

import (
	"context"
	"errors"
)

// Keeper is what an engine does for the log. Both engines pass the same tests.
type Keeper interface {
	// Secret gives the secret of the log. The first time, and only while the
	// log is empty, it is what make gives.
	Secret(ctx context.Context, make func() []byte) ([]byte, error)

	// Segments lists the segments, the oldest first.
	Segments(ctx context.Context) ([]Segment, error)

	// Marks lists the signed days of a segment, the oldest first.
	Marks(ctx context.Context, segment string) ([]Mark, error)

	// Commit appends a batch, whole or not at all, and durably. ErrMoved says
	// that another process was faster, ErrTaken that an id is in the log
	// already, and ErrPassed that another process has moved the cursor.
	Commit(ctx context.Context, b Batch) error

	// Settle replaces the head of a segment where no row is added, and erases
	// the inputs of the rows after before.Erased up to after.Erased.
	Settle(ctx context.Context, before, after Segment) error

	// Rows reads rows of one segment in order, with their inputs.
	Rows(ctx context.Context, q Query) ([]Row, error)

	// Row finds the row of a decision.
	Row(ctx context.Context, id string) (Row, bool, error)

	// Known tells which of the ids are in the log.
	Known(ctx context.Context, ids []string) (map[string]bool, error)

	// Cursor is the number of the last event that the log has followed.
	Cursor(ctx context.Context) (int64, error)

	// Damage tells what the database itself finds wrong with its files.
	Damage(ctx context.Context) ([]string, error)

	Close() error
}

// Batch is what one commit does.
type Batch struct {
	Before   Segment  // the head that the rows follow; the zero Segment begins the log
	Previous *Segment // Before, closed, when the rows begin another segment
	After    Segment
	Rows     []Row
	Mark     *Mark
	Cursor   *Step
}

// Step moves the cursor of the feed.
type Step struct{ From, To int64 }

// What a commit may be refused for.
var (
	ErrMoved  = errors.New("the log has moved on")
	ErrTaken  = errors.New("the decision is in the log already")
	ErrPassed = errors.New("the feed has been followed further")
)
