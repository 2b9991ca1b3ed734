package glue

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/souk-mesh/souk/sdk"
)

// mostEmpty is how many empty pages may follow one another.
const mostEmpty = 1000

// pageSize is what the service gives at most of most things.
const pageSize = 100

// listing is one of the service's lists.
type listing[O, T any] struct {
	what   string // as a sentence about a refusal begins
	action string // of a policy
	ask    func(ctx context.Context, token *string) (O, error)
	of     func(O) (page []T, next *string)
	name   func(T) *string
}

// list goes through a listing to its end. An answer without a list, a page that
// comes again and a list that does not end are errors: what is cut is no list.
func list[O, T any](ctx context.Context, s *source, l listing[O, T], each func(T) error) error {
	seen := map[string]bool{}
	var token *string
	empty := 0
	for {
		answer, err := l.ask(ctx, token)
		if err != nil {
			return s.explain(err, l.what, l.action)
		}
		page, next := l.of(answer)
		if page == nil {
			return sdk.Unavailable("the answer to "+l.what+" holds no list", "look whether the endpoint is that of Glue, and try again later", nil)
		}
		fresh := len(page) == 0 && empty < mostEmpty // Glue gives empty pages where it hides what may not be seen
		if empty++; len(page) > 0 {
			empty = 0
		}
		for _, item := range page {
			name := aws.ToString(l.name(item))
			if seen[name] {
				continue
			}
			seen[name], fresh = true, true
			if err := each(item); err != nil {
				return err
			}
		}
		if aws.ToString(next) == "" {
			return nil
		}
		if !fresh || aws.ToString(next) == aws.ToString(token) {
			return sdk.Unavailable(l.what+" gives the same page again and does not end", "try again; if it stays, look at what stands before the service", nil)
		}
		token = next
	}
}

// classOf says whose turn it is, or nothing where that is not known.
func classOf(err error) sdk.Class {
	e, ours := errors.AsType[*sdk.Error](err)
	if !ours {
		return ""
	}
	return e.Class
}
