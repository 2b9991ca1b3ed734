package partial

import (
	"github.com/souk-mesh/souk/server/policy/internal/filter"
	"github.com/souk-mesh/souk/server/policy/internal/question"
)

// View is what one package says: when it denies, allows and wants approvals.
type View struct {
	deny, allow, approvals filter.Condition

	opaque, allowing error // no condition can express the rules; or those that allow
	beyond           error // the rules look at what few questions tell; the conditions hold for the others
	allowingBeyond   bool  // those that allow do so
}

func allows(entry string) bool { return entry == "allow" || entry == "visible" }

// take takes over what one entry rule says.
func (p *View) take(entry string, c filter.Condition, err error) {
	if err != nil && p.opaque == nil {
		p.opaque = err
	}
	switch {
	case err != nil && allows(entry):
		p.allowing = err
	case err != nil:
	case allows(entry):
		p.allow = filter.Or(p.allow, c)
	case entry == "deny":
		p.deny = c
	case entry == "approvals":
		p.approvals = c
	}
}

// noFilter says why rows cannot be chosen by the conditions alone.
func (p *View) noFilter() error {
	if p.opaque != nil {
		return p.opaque
	}
	return p.beyond
}

// each gives the view with its conditions exchanged.
func (p *View) each(change func(filter.Condition) filter.Condition) *View {
	next := *p
	next.deny, next.allow, next.approvals = change(p.deny), change(p.allow), change(p.approvals)
	return &next
}

// Joined combines the packages as combine does: any denial refuses, then any
// allow of whoever may allow is enough.
func Joined(right question.Rights, platform, owner *View) *filter.Condition {
	if platform.noFilter() != nil || (owner != nil && owner.noFilter() != nil) {
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
