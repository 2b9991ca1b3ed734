package gate

import (
	"maps"
	"slices"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
)

// cost is what the rows of one domain have taken in one list.
type cost struct {
	steps int
	took  time.Duration
}

// maxTook ends what takes few steps and much time. A busy machine is slow, too:
// it leaves the domain's rows out, and does not send its rules to rest.
const maxTook = 2 * time.Second

func (c cost) plus(steps int, took time.Duration) cost { return cost{c.steps + steps, c.took + took} }

// tooMuch reports that the rows have taken more than a list may.
func (c cost) tooMuch() bool { return c.steps > policy.MaxListSteps || c.took > maxTook }

// pay counts what one row has taken. Past its budget the rows of the domain
// are left out: they would take the list from everybody else.
func (v *Viewer) pay(domain model.Slug, steps int, took time.Duration) {
	if domain == "" {
		return // the platform's own rules are in every row's way
	}
	c := v.spent[domain].plus(steps, took)
	v.spent[domain] = c
	if !c.tooMuch() {
		return
	}
	if v.over == nil {
		v.over = map[model.Slug]time.Time{}
	}
	v.over[domain] = v.question.Context.Now
	if c.steps > policy.MaxListSteps {
		v.snapshot.Overspent(domain)
		maps.Copy(v.over, v.snapshot.Quarantined())
	}
}

// leftOut tells which domains' rows the viewer does not look at, and why.
func (v *Viewer) leftOut() []model.LeftOut {
	var list []model.LeftOut
	for _, domain := range slices.Sorted(maps.Keys(v.over)) {
		reason := "the rules of the domain rest: " + v.gate.engine.QuarantineReason(domain)
		if v.over[domain].Equal(v.question.Context.Now) {
			reason = "the rules of the domain took too long for its rows"
		}
		list = append(list, model.LeftOut{Domain: domain, Reason: reason, Until: v.over[domain]})
	}
	return list
}

// resting lists the domains whose rules rest, for an action that asks them.
func resting(rules *policy.Snapshot, action model.Action) map[model.Slug]time.Time {
	if !policy.AsksDomains(action) {
		return nil
	}
	return rules.Quarantined()
}
