package servertest

import (
	"errors"
	"slices"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
)

// longest is how long a message may be that a person reads.
const longest = 300

// WantKind holds an error to its kind.
func WantKind(tb testing.TB, err error, kind model.ErrorKind) {
	tb.Helper()
	if !model.Is(err, kind) {
		tb.Fatalf("got error %v, want one of kind %s", err, kind)
	}
}

// WantField holds an error to its kind and the field that it is about.
func WantField(tb testing.TB, err error, kind model.ErrorKind, field string) {
	tb.Helper()
	if e, ok := errors.AsType[*model.Error](err); !ok || e.Kind != kind || e.Field != field {
		tb.Fatalf("got error %v, want one of kind %s about %q", err, kind, field)
	}
	if n := len(err.Error()); n > longest {
		tb.Errorf("the error is %d bytes long, more than a person reads", n)
	}
}

// WantDenied wants a refusal by the policies, for this reason among others.
func WantDenied(tb testing.TB, err error, code string) {
	tb.Helper()
	e, ok := errors.AsType[*model.Error](err)
	if !ok || e.Denial == nil || !slices.ContainsFunc(e.Denial.Reasons, func(r model.Reason) bool { return r.Code == code }) {
		tb.Fatalf("got error %v, want a refusal for %s", err, code)
	}
}
