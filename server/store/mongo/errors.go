package mongo

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// failure gives an error of the server the kind that its reader can act on.
func failure(err error) error {
	if _, ours := errors.AsType[*model.Error](err); ours || err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if errors.Is(err, mongo.ErrClientDisconnected) {
		return store.Closed()
	}
	if mongo.IsTimeout(err) || mongo.IsNetworkError(err) || lostPrimary(err) {
		return store.Unavailable("MongoDB does not answer", "check that the replica set has a primary and that this machine reaches it", err)
	}
	return fmt.Errorf("mongodb: %w", err)
}

// lostPrimary reports what a server says that has just ceased to be primary,
// or is about to stop.
func lostPrimary(err error) bool {
	said, ok := errors.AsType[mongo.ServerError](err)
	return ok && (said.HasErrorLabel("TransientTransactionError") ||
		slices.ContainsFunc([]int{91, 189, 10107, 11600, 11602, 13435, 13436}, said.HasErrorCode))
}

var duplicate = regexp.MustCompile(`collection: [^ .]+\.(\S+) index: (\S+) dup key`)

// refusal gives a transaction that failed the kind that its writer can act on:
// a broken unique index is a conflict, and the server names the index.
func refusal(err error) error {
	if said := duplicate.FindStringSubmatch(err.Error()); said != nil && mongo.IsDuplicateKeyError(err) {
		schema, _ := store.SchemaOf(store.Kind(said[1]))
		if x, ok := schema.Index(said[2]); ok {
			return schema.Taken(x)
		}
	}
	return failure(err)
}
