package partial

import (
	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/filter"
	"github.com/souk-mesh/souk/server/policy/internal/question"
)

// Right is how a question comes out for the rows of one domain, as far as
// conditions know. It has three of them where a filter has one, because a right
// is not only given or refused: it may wait for approvals. And most rights are
// refused because no rule gives them, which is known even where the rest is not.
type Right struct {
	allow, deny, approvals filter.Condition

	allowing, whole        bool // the condition that allows is known, and all three are
	beyond, allowingBeyond bool // the rules look at more than conditions read, and those that allow do
}

// JoinedRight combines the packages as combine does. The owner is nil where the
// platform decides alone; heard says that others have a say beside them.
func JoinedRight(right question.Rights, platform, owner *View, heard bool) *Right {
	r := &Right{allowing: true, whole: !heard}
	r.add(platform, right.Platform)
	if owner != nil {
		r.add(owner, true)
	}
	if !right.Approval {
		r.approvals = filter.Never
	}
	return r
}

func (r *Right) add(v *View, mayAllow bool) {
	r.deny, r.approvals = filter.Or(r.deny, v.deny), filter.Or(r.approvals, v.approvals)
	r.whole, r.beyond = r.whole && v.opaque == nil, r.beyond || v.beyond != nil
	if mayAllow {
		r.allow = filter.Or(r.allow, v.allow)
		r.allowing, r.allowingBeyond = r.allowing && v.allowing == nil, r.allowingBeyond || v.allowingBeyond
	}
}

// Bind gives the right for rows whose field is known.
func (r *Right) Bind(f filter.Field, v filter.Value) *Right {
	next := *r
	next.allow, next.deny, next.approvals = r.allow.Bind(f, v), r.deny.Bind(f, v), r.approvals.Bind(f, v)
	return &next
}

// Judge tells how the question comes out. It is false where conditions do not
// know: the rules have to be asked then.
func (r *Right) Judge(q *question.Question) (model.Outcome, bool) {
	more := q.Beyond()
	if known := r.allowing && (!more || !r.allowingBeyond); known && !r.allow.Holds(q) {
		return model.Deny, true
	} else if !known || !r.whole || more && r.beyond {
		return "", false
	}
	switch {
	case r.deny.Holds(q):
		return model.Deny, true
	case r.approvals.Holds(q):
		return model.NeedsApproval, true
	}
	return model.Allow, true
}
