package mongodb_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/driver/mongodb"
)

// TestFailure gives every error the kind that its reader can act on.
func TestFailure(t *testing.T) {
	cases := []struct {
		name string
		err  error
		want model.ErrorKind
		same bool
	}{
		{"ours keeps its kind", fmt.Errorf("read: %w", model.NotFound("team", "team_1")), model.KindNotFound, true},
		{"the caller left", fmt.Errorf("read: %w", context.Canceled), model.KindInternal, true},
		{"the client is closed", mongo.ErrClientDisconnected, model.KindUnavailable, false},
		{"time is up", context.DeadlineExceeded, model.KindUnavailable, false},
		{"the network is gone", mongo.CommandError{Labels: []string{"NetworkError"}}, model.KindUnavailable, false},
		{"another was faster, too often", mongo.CommandError{Code: 112, Labels: []string{"TransientTransactionError"}}, model.KindUnavailable, false},
		{"the server stops", mongo.CommandError{Code: 91}, model.KindUnavailable, false},
		{"the server is no longer primary", mongo.WriteException{WriteConcernError: &mongo.WriteConcernError{Code: 10107}}, model.KindUnavailable, false},
		{"the server does not know the command", mongo.CommandError{Code: 59}, model.KindInternal, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := mongodb.Failure(c.err)
			if kind := model.KindOf(got); kind != c.want {
				t.Errorf("got %s, want %s", kind, c.want)
			}
			if same := errors.Is(got, c.err) && got.Error() == c.err.Error(); same != c.same {
				t.Errorf("got %q", got)
			}
		})
	}
	if err := mongodb.Failure(nil); err != nil {
		t.Errorf("got %v of nothing", err)
	}
}
