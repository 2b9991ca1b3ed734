package mongodb_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/souk-mesh/souk/server/driver/mongodb"
)

// TestAgain asks once more for a snapshot that is gone or not there yet, a few
// times, and for nothing else.
func TestAgain(t *testing.T) {
	cases := []struct {
		name  string
		err   error
		fails int // before the answer
		asked int
		ok    bool
	}{
		{"an answer", nil, 0, 1, true},
		{"the snapshot is too old", mongo.CommandError{Code: 239, Name: "SnapshotTooOld"}, 1, 2, true},
		{"the snapshot is too old, below another error", fmt.Errorf("next: %w", mongo.CommandError{Code: 239}), 2, 3, true},
		{"the snapshot is not there yet", mongo.CommandError{Code: 246, Name: "SnapshotUnavailable"}, 1, 2, true},
		{"the snapshot is too old each time", mongo.CommandError{Code: 239}, 9, 3, false},
		{"the cursor is gone", mongodb.Midway(mongo.CommandError{Code: 43}), 2, 3, true},
		{"the network fails midway", mongodb.Midway(mongo.CommandError{Labels: []string{"NetworkError"}}), 1, 2, true},
		{"the network fails midway, each time", mongodb.Midway(mongo.CommandError{Labels: []string{"NetworkError"}}), 9, 3, false},
		{"the primary changes midway", mongodb.Midway(mongo.CommandError{Code: 189}), 1, 2, true},
		{"midway in a transaction", mongodb.Midway(mongo.CommandError{Labels: []string{"NetworkError", "TransientTransactionError"}}), 1, 1, false},
		{"time is up midway", mongodb.Midway(context.DeadlineExceeded), 1, 1, false},
		{"the network fails at once", mongo.CommandError{Labels: []string{"NetworkError"}}, 1, 1, false},
		{"another error of the server", mongo.CommandError{Code: 59}, 1, 1, false},
		{"an error of ours", errors.New("no"), 1, 1, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			asked := 0
			err := mongodb.Again(t.Context(), func() error {
				if asked++; asked <= c.fails {
					return c.err
				}
				return nil
			})
			if asked != c.asked || (err == nil) != c.ok || (!c.ok && !errors.Is(err, c.err) && err.Error() != c.err.Error()) {
				t.Errorf("asked %d times, %v", asked, err)
			}
		})
	}
}
