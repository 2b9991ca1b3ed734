package mongo

import (
	"context"
	"regexp"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/souk-mesh/souk/server/driver/mongodb"
	"github.com/souk-mesh/souk/server/store"
)

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
	return mongodb.Failure(err)
}

// patience is how long one read of a server in order takes at the very most.
const patience = 2 * time.Second

// late tells whose time was up: that of a caller who had used it before this
// read began, or that of a server which did not answer.
func late(ctx context.Context, begin time.Time, err error) error {
	if err != nil && ctx.Err() != nil && time.Since(begin) < patience {
		return ctx.Err()
	}
	return mongodb.Failure(err)
}
