package resolver_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/resolver"
)

// TestPresent tells the sender what they may know and the log the rest.
func TestPresent(t *testing.T) {
	secret := errors.New("dial tcp 10.0.0.7:27017: refused")
	denial := model.Decision{ID: "dec_1", Outcome: model.NeedsApproval, Reasons: []model.Reason{{Code: "x.y", Message: "Not you.", Origin: "sales"}}}
	for name, c := range map[string]struct {
		err     error
		message string
		ext     map[string]any
		logged  bool
	}{
		"input": {
			err: model.Invalid("first", "is too large", "ask for less"), message: "is too large",
			ext: map[string]any{"code": "BAD_USER_INPUT", "field": "first", "hint": "ask for less"},
		},
		"a finer code": {
			err: &model.Error{Kind: model.KindConflict, Code: "source.running", Message: "it runs"}, message: "it runs",
			ext: map[string]any{"code": "CONFLICT", "detail": "source.running"},
		},
		"a refusal": {err: model.Denied(denial), message: "Not you.", ext: map[string]any{
			"code": "FORBIDDEN", "decisionId": model.ID("dec_1"),
			"outcome": model.NeedsApproval, "reasons": denial.Reasons, "approvals": []model.Approval{},
		}},
		"unavailable": {
			err: &model.Error{Kind: model.KindUnavailable, Message: "the store is away", Err: secret}, message: "the store is away",
			ext: map[string]any{"code": "UNAVAILABLE"}, logged: true,
		},
		"internal": {
			err:     &model.Error{Kind: model.KindInternal, Message: "index by_x is unknown", Hint: "declare it", Err: secret},
			message: "something went wrong; the log knows it by the request id", ext: map[string]any{"code": "INTERNAL"}, logged: true,
		},
		"an error of nobody's": {
			err: fmt.Errorf("read: %w", secret), message: "something went wrong; the log knows it by the request id",
			ext: map[string]any{"code": "INTERNAL"}, logged: true,
		},
		"too late": {err: fmt.Errorf("find: %w", context.DeadlineExceeded), message: "the request took too long or was given up", ext: map[string]any{"code": "TIMEOUT"}},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			ctx := model.WithRequestID(t.Context(), "req_1")
			got := resolver.Present(slog.New(slog.NewTextHandler(&log, nil)))(ctx, c.err)
			c.ext["requestId"] = "req_1"
			if got.Message != c.message {
				t.Errorf("message %q, want %q", got.Message, c.message)
			}
			if diff := cmp.Diff(c.ext, got.Extensions); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(fmt.Sprint(got.Message, got.Extensions), "10.0.0.7") {
				t.Errorf("the answer tells what is inside: %v", got)
			}
			if logged := strings.Contains(log.String(), "request=req_1"); logged != c.logged {
				t.Errorf("logged: %v, want %v: %s", logged, c.logged, log.String())
			}
			if c.logged && !strings.Contains(log.String(), "10.0.0.7") {
				t.Errorf("the log does not tell the cause: %s", log.String())
			}
		})
	}
}

// TestRecover logs a panic once and shows nothing of it.
func TestRecover(t *testing.T) {
	var log bytes.Buffer
	to := slog.New(slog.NewTextHandler(&log, nil))
	err := resolver.Recover(to)(t.Context(), "index out of range in secret.go")
	got := resolver.Present(to)(t.Context(), err)
	if got.Extensions["code"] != "INTERNAL" || strings.Contains(got.Error(), "secret.go") {
		t.Errorf("got %v", got)
	}
	if n := strings.Count(log.String(), "level=ERROR"); n != 1 || !strings.Contains(log.String(), "secret.go") {
		t.Errorf("%d lines in the log: %s", n, log.String())
	}
}
