package mongodb

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/souk-mesh/souk/graph/model"
)

// Failure gives an error of the server the kind that its reader can act on:
// Unavailable when the server does not answer or has just lost its primary.
// An error that has a kind keeps it.
func Failure(err error) error {
	if _, ours := errors.AsType[*model.Error](err); ours || err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if errors.Is(err, mongo.ErrClientDisconnected) {
		return unavailable("the store is closed", "souk is shutting down: try again when it is back", nil)
	}
	if mongo.IsTimeout(err) || mongo.IsNetworkError(err) || lostPrimary(err) {
		return unavailable("MongoDB does not answer", "check that the replica set has a primary and that this machine reaches it", err)
	}
	return fmt.Errorf("mongodb: %w", err)
}

// lostPrimary reports what a server says that has just ceased to be primary,
// or is about to stop.
func lostPrimary(err error) bool {
	said, ok := errors.AsType[mongo.ServerError](err)
	return ok && (said.HasErrorLabel(transient) ||
		slices.ContainsFunc([]int{91, 189, 10107, 11600, 11602, 13435, 13436}, said.HasErrorCode))
}

func unavailable(message, hint string, err error) *model.Error {
	return &model.Error{Kind: model.KindUnavailable, Message: message, Hint: hint, Err: err}
}

// againTries is how often a question is put once more.
const againTries = 3

// Again asks once more where the server had no snapshot to answer from: it had
// let go of it already, or not made it yet; and where a cursor broke off, if
// Midway says so. The question must begin anew.
func Again(ctx context.Context, question func() error) error {
	const tooOld, notYet = 239, 246
	for try := 1; ; try++ {
		err := question()
		broke, midway := errors.AsType[*brokenError](err)
		if midway {
			err = broke.error
		}
		said, ok := errors.AsType[mongo.ServerError](err)
		again := midway || (ok && (said.HasErrorCode(tooOld) || said.HasErrorCode(notYet)))
		if !again || try == againTries || !pauseFor(ctx, longestPause) {
			return err
		}
	}
}

// brokenError is the error of a cursor that a new one may not meet.
type brokenError struct{ error }

// Midway is the error of a cursor after its first answer, for Again. The driver
// asks a first time again when the network fails or the primary changes, and
// never for what follows: a cursor lives on one server, and goes with it. In a
// transaction it is the whole of that which must begin anew.
func Midway(err error) error {
	const notFound, killed = 43, 237
	said, ok := errors.AsType[mongo.ServerError](err)
	switch {
	case err == nil, mongo.IsTimeout(err), ok && said.HasErrorLabel(transient):
		return err
	case mongo.IsNetworkError(err), lostPrimary(err), ok && (said.HasErrorCode(notFound) || said.HasErrorCode(killed)):
		return &brokenError{err}
	}
	return err
}
