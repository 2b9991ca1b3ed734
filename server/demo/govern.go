package demo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/policies"
	"github.com/souk-mesh/souk/server/governance"
)

// started is a template that somebody has filled in.
type started struct {
	template string
	values   map[string]string
}

// What Di writes for Sales: first that addresses are masked, which comes into
// force, and then that the analysts of Marketing read what is internal, which
// is left open.
var (
	masked   = started{"masking", map[string]string{"fields": "email,name"}}
	analysts = started{"by_team", map[string]string{"teams": "marketing/analysts", "up_to": "INTERNAL"}}
)

// draft writes the rules of Sales and has them tested, both at once: tests run
// in a process of their own.
func (c *Company) draft(ctx context.Context) error {
	var work sync.WaitGroup
	var faults [2]error
	work.Go(func() {
		c.masked, faults[0] = c.tested(ctx, "Masked addresses", "Outside Sales nobody needs to know who the customers are.", masked)
	})
	work.Go(func() {
		c.analysts, faults[1] = c.tested(ctx, "Analysts read internal data",
			"The analysts of Marketing ask for the same data every week; what is internal they read from now on.", masked, analysts)
	})
	work.Wait()
	return errors.Join(faults[:]...)
}

// legislate puts rules of Sales' own in force, with the votes that they need.
func (c *Company) legislate(ctx context.Context) error {
	p, err := c.assess(ctx, c.masked)
	if err != nil {
		return err
	}
	for _, person := range []string{"ana", "cy"} {
		if p.Status == model.ProposalApproved {
			break
		}
		if p, err = c.Governance.Approve(c.as(ctx, person), p.ID, p.Impact.Hash, "Good."); err != nil {
			return err
		}
	}
	_, err = c.Governance.Activate(c.as(ctx, "ana"), p.ID)
	return err
}

// propose leaves a proposal for the stewards to decide on. Marketing, which it
// names, has agreed already.
func (c *Company) propose(ctx context.Context) error {
	p, err := c.assess(ctx, c.analysts)
	if err != nil {
		return err
	}
	if p, err = c.Governance.Comment(c.as(ctx, "ana"), p.ID, "The orders stay behind a grant, do they not?"); err != nil {
		return err
	}
	if p, err = c.Governance.Comment(c.as(ctx, "di"), p.ID, "They do: they are confidential."); err != nil {
		return err
	}
	_, err = c.Governance.Approve(c.as(ctx, "bo"), p.ID, p.Impact.Hash, "This saves us a request a week.")
	return err
}

// tested takes rules that Di drafts for Sales through the check and the tests.
func (c *Company) tested(ctx context.Context, title, description string, from ...started) (model.PolicyProposal, error) {
	ctx = c.as(ctx, "di")
	modules, err := write("sales", from)
	if err != nil {
		return model.PolicyProposal{}, err
	}
	p, err := c.Governance.Draft(ctx, governance.NewProposal{Domain: "sales", Modules: modules, Title: title, Description: description})
	if err != nil {
		return p, err
	}
	if p, err = c.Governance.Check(ctx, p.ID); err != nil {
		return p, err
	}
	return c.Governance.Test(ctx, p.ID)
}

// assess waits for the report on a proposal.
func (c *Company) assess(ctx context.Context, p model.PolicyProposal) (model.PolicyProposal, error) {
	ctx = c.as(ctx, "di")
	if _, err := c.Governance.Assess(ctx, p.ID); err != nil {
		return p, err
	}
	states, err := c.Governance.WatchAssessment(ctx, p.ID)
	if err != nil {
		return p, err
	}
	var last model.PolicyAssessment
	for last = range states {
	}
	if last.State != model.AssessmentDone {
		return p, fmt.Errorf("assess %q: %s: %s", p.Title, last.State, last.Message)
	}
	return c.Governance.Proposal(ctx, p.ID)
}

// write gives the files of a domain's package, as souk policy new writes them.
func write(domain string, from []started) ([]model.PolicyModule, error) {
	files := map[string]string{}
	for _, s := range from {
		for _, t := range policies.Templates() {
			if t.Name != s.template {
				continue
			}
			made, err := t.Start(domain, s.values)
			if err != nil {
				return nil, err
			}
			maps.Copy(files, made)
		}
	}
	var modules []model.PolicyModule
	for _, path := range slices.Sorted(maps.Keys(files)) {
		modules = append(modules, model.PolicyModule{Path: path, Text: files[path]})
	}
	return modules, nil
}
