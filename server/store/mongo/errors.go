package mongo

import (
	"context"
	"errors"
	"fmt"
	"regexp"

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
		return closed()
	}
	if mongo.IsTimeout(err) || mongo.IsNetworkError(err) || lostPrimary(err) {
		return &model.Error{
			Kind: model.KindUnavailable, Message: "MongoDB does not answer",
			Hint: "check that the replica set has a primary and that this machine reaches it", Err: err,
		}
	}
	return fmt.Errorf("mongodb: %w", err)
}

// lostPrimary reports what a server says that has just ceased to be primary,
// or is about to stop.
func lostPrimary(err error) bool {
	var said mongo.ServerError
	if !errors.As(err, &said) {
		return false
	}
	for _, code := range []int{91, 189, 10107, 11600, 11602, 13435, 13436} {
		if said.HasErrorCode(code) {
			return true
		}
	}
	return said.HasErrorLabel("TransientTransactionError")
}

var duplicate = regexp.MustCompile(`collection: [^ .]+\.(\S+) index: (\S+) dup key`)

// refusal gives a transaction that failed the kind that its writer can act on:
// a broken unique index is a conflict, and the server names the index.
func refusal(err error) error {
	said := duplicate.FindStringSubmatch(err.Error())
	if !mongo.IsDuplicateKeyError(err) || said == nil {
		return failure(err)
	}
	schema, _ := store.SchemaOf(store.Kind(said[1]))
	for _, x := range schema.Indexes {
		if x.Name == said[2] {
			return schema.Taken(x)
		}
	}
	return failure(err)
}

func closed() error {
	return &model.Error{Kind: model.KindUnavailable, Message: "the store is closed", Hint: "the server is stopping; try again later"}
}
