package lake

import (
	"context"
	"errors"
	"io"
	"strconv"

	"github.com/souk-mesh/souk/plugins/internal/lake/heads"
	"github.com/souk-mesh/souk/sdk"
)

// Run harvests the scopes one after another. One that cannot be listed to its
// end is noted and is not done, and the others go on; credentials that are
// refused end the run. If no scope can be listed, the first error is returned.
func Run(ctx context.Context, scopes []Scope, options Options, out sdk.Sink) error {
	return run(ctx, scopes, out, func(scope Scope) error { return Harvest(ctx, scope, options, out) })
}

func run(ctx context.Context, scopes []Scope, out sdk.Sink, harvest func(Scope) error) error {
	var first error
	failures := 0
	for _, scope := range scopes {
		err := harvest(scope)
		if err == nil {
			continue
		}
		e, known := errors.AsType[*sdk.Error](err)
		if ctx.Err() != nil || !known || e.Class == sdk.ClassAuth || e.Class == sdk.ClassInternal {
			return err
		}
		if failures++; first == nil {
			first = err
		}
		if failures == len(scopes) {
			return first
		}
		if err := out.Note(scope.incomplete(e)); err != nil {
			return err
		}
	}
	return nil
}

func (s Scope) incomplete(e *sdk.Error) sdk.Note {
	n := sdk.Note{
		Level: sdk.ErrorLevel, Code: "lake.unavailable", Scope: s.Name, Sample: legible(s.Name) + ": " + e.Message + ". " + e.Fix,
		Title: "A bucket, container or folder could not be listed to its end. Nothing of it is retired.",
	}
	switch e.Class {
	case sdk.ClassDenied:
		n.Code, n.Title = "lake.denied", "A bucket, container or folder may not be listed. Nothing of it is retired; the sample says what allows it."
	case sdk.ClassThrottled:
		n.Code, n.Title = "lake.throttled", "A service asked to slow down so often that a listing was given up. Nothing of that scope is retired."
	default:
	}
	return n
}

var errSeen = errors.New("enough is seen")

const mostChecked = 20 // scopes of a check

// Check tries each scope: its listing, and the first byte of a data file. What
// a store answers says whether a harvest would do better.
func Check(ctx context.Context, scopes []Scope, options Options, r *sdk.Report) error {
	for i, scope := range scopes {
		if i == mostChecked {
			r.OK("and " + strconv.Itoa(len(scopes)-i) + " more, which are not tried")
			return nil
		}
		var file *Object
		err := scope.Store.List(ctx, scope.Prefix, func(objects []Object) error {
			for _, o := range objects {
				if _, format, _ := heads.Kind(lastPart(o.Key)); o.Size > 0 && !o.Archived && format != heads.None {
					file = &o
					break
				}
			}
			return errSeen
		})
		if err != nil && !errors.Is(err, errSeen) {
			if err := failed(ctx, r, "list "+legible(scope.Name), err); err != nil {
				return err
			}
			continue
		}
		r.OK("list " + legible(scope.Name))
		if file == nil || options.SkipHeads {
			continue
		}
		if _, err := scope.Store.Read(ctx, file.Key, 0, 1); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, ErrGone) {
			if err := failed(ctx, r, "read "+legible(scope.Name), err); err != nil {
				return err
			}
			continue
		}
		r.OK("read " + legible(scope.Name))
	}
	return nil
}

// failed reports what a person can mend, and returns what they cannot.
func failed(ctx context.Context, r *sdk.Report, what string, err error) error {
	if ctx.Err() != nil {
		return err
	}
	return r.Tried(what, err)
}
