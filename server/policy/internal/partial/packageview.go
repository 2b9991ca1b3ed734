package partial

import (
	"github.com/souk-mesh/souk/server/policy/internal/filter"
	"github.com/souk-mesh/souk/server/policy/internal/question"
)

// View is what one package says: when it denies and when it allows.
type View struct {
	deny, allow filter.Condition
	opaque      error // no condition can express it
}

// Joined combines the packages as combine does: any denial refuses, then any
// allow of whoever may allow is enough.
func Joined(right question.Rights, platform, owner *View) *filter.Condition {
	if platform.opaque != nil || (owner != nil && owner.opaque != nil) {
		return nil
	}
	deny, allow := platform.deny, filter.Never
	if right.Platform {
		allow = platform.allow
	}
	if owner != nil {
		deny, allow = filter.Or(deny, owner.deny), filter.Or(allow, owner.allow)
	}
	c := filter.And(filter.Not(deny), allow)
	return &c
}
