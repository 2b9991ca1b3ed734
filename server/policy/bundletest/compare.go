package bundletest

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
)

// Foreign is a decision as the bundle's souk.main gives it. Allow is for
// clients that carry out no obligations.
type Foreign struct {
	Outcome     model.Outcome      `json:"outcome"`
	Allow       bool               `json:"allow"`
	Reasons     []model.Reason     `json:"reasons"`
	Obligations []model.Obligation `json:"obligations"`
	Approvals   []foreignApproval  `json:"approvals"`
	TTL         int                `json:"ttl_max_s"`
	Revisions   model.Revisions    `json:"revisions"`
	Heard       struct {
		Facts any `json:"facts"`
	} `json:"heard"`
}

type foreignApproval struct {
	Role             string     `json:"role"`
	Domain           model.Slug `json:"domain"`
	Min              int        `json:"min"`
	ExcludeRequester bool       `json:"exclude_requester"`
}

// Normal writes a decision of ours as souk.main would give it. Of the engine's
// own reasons only the codes count: each engine has its words.
func Normal(d model.Decision) Foreign {
	f := Foreign{
		Outcome: d.Outcome, Allow: d.Allowed() && !slices.ContainsFunc(d.Obligations, mandatory), Reasons: plain(d.Reasons), Obligations: d.Obligations, TTL: int(d.TTLMax.Seconds()),
		Revisions: d.Revisions,
	}
	for _, a := range d.Approvals {
		f.Approvals = append(f.Approvals, foreignApproval{string(a.Role), a.Domain, a.Min, a.ExcludeRequester})
	}
	return f.clean()
}

func mandatory(o model.Obligation) bool { return o.Mandatory }

// Read takes what an engine answered.
func Read(text []byte) (Foreign, error) {
	var f Foreign
	err := json.Unmarshal(text, &f)
	f.Reasons = plain(f.Reasons)
	return f.clean(), err
}

// clean makes empty and absent the same.
func (f Foreign) clean() Foreign {
	if len(f.Obligations) == 0 {
		f.Obligations = nil
	}
	if facts, ok := f.Heard.Facts.(map[string]any); ok && len(facts) == 0 {
		f.Heard.Facts = nil
	}
	for i, o := range f.Obligations {
		if len(o.Params) == 0 {
			f.Obligations[i].Params = nil
		}
	}
	if len(f.Approvals) == 0 {
		f.Approvals = nil
	}
	return f
}

func plain(reasons []model.Reason) []model.Reason {
	list := make([]model.Reason, 0, len(reasons))
	for _, r := range reasons {
		if strings.HasPrefix(r.Code, "engine.") {
			r.Message = ""
		}
		if n := len(list); n == 0 || list[n-1] != r {
			list = append(list, r)
		}
	}
	return list
}

// Decide asks Souk. A domain whose rules failed too often to be asked any more
// is put in force anew: other engines do not know of quarantine.
func (c Case) Decide(ctx context.Context, e *policy.Engine) (Foreign, error) {
	d := e.Snapshot().Decide(ctx, c.Question)
	if slices.ContainsFunc(d.Reasons, quarantined) {
		for _, proposed := range Drafts() {
			if proposed.Domain != c.Question.Resource.Domain && proposed.Domain != c.Question.Subject.Domain {
				continue
			}
			if _, err := e.Activate(ctx, proposed); err != nil {
				return Foreign{}, err
			}
		}
		d = e.Snapshot().Decide(ctx, c.Question)
	}
	f := Normal(d)
	f.Heard.Facts = c.Found
	return f, nil
}

func quarantined(r model.Reason) bool { return r.Code == "domain.quarantined" }
