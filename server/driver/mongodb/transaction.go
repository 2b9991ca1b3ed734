package mongodb

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
)

const (
	transactTimeout = 30 * time.Second // longer than a replica set takes to elect a new primary
	abortTimeout    = time.Second
	firstPause      = 5 * time.Millisecond
	longestPause    = 200 * time.Millisecond
)

// The labels that a server puts on an error.
const (
	transient = "TransientTransactionError"      // nothing was committed, and another try may do better
	unknown   = "UnknownTransactionCommitResult" // it may be committed
)

// Transact does the work in a transaction, again when another process was
// faster or the primary has changed, so the work must begin anew each time. It
// gives the error of the work, or of the server, as it is. The driver's own
// loop of this kind goes on for two minutes, whatever its context says.
func (c *Client) Transact(ctx context.Context, work func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, transactTimeout)
	defer cancel()
	session, err := c.client.StartSession()
	if err != nil {
		return err
	}
	defer session.EndSession(context.WithoutCancel(ctx))
	begin := time.Now()
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := attempt(ctx, session, work)
		if !labelled(err, transient) || !pauseFor(ctx, pause) {
			return err
		}
		if time.Since(begin) > orphanAge {
			_ = c.endOrphans(ctx) // where it may not, the server itself does it in time
		}
	}
}

func attempt(ctx context.Context, session *mongo.Session, work func(context.Context) error) error {
	opts := options.Transaction().SetReadConcern(readconcern.Snapshot()).SetWriteConcern(durable())
	if err := session.StartTransaction(opts); err != nil {
		return err
	}
	if err := work(mongo.NewSessionContext(ctx, session)); err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
		defer cancel()
		_ = session.AbortTransaction(ctx) // the server forgets what nobody commits
		return err
	}
	for { // to commit twice what may be committed already is no fault
		err := session.CommitTransaction(ctx)
		if !labelled(err, unknown) || !pauseFor(ctx, longestPause) {
			return err
		}
	}
}

func labelled(err error, label string) bool {
	said, ok := errors.AsType[mongo.LabeledError](err)
	return ok && said.HasErrorLabel(label)
}

// pauseFor waits for about half the time, and reports whether the context lives on.
func pauseFor(ctx context.Context, atMost time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(rand.N(atMost)): //nolint:gosec // it spreads waits, and is no secret
		return true
	}
}
