package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/souk-mesh/souk/server/cmd/souk/internal/remote"
)

// explained is what the decision log says of one decision.
type explained struct {
	At          string
	Action      string
	Domain      string
	ResourceID  string
	PrincipalID string
	Principal   *struct{ Name string }
	AskedByID   string
	AskedBy     *struct{ Name string }
	Decision    struct {
		Outcome     string
		Reasons     []struct{ Code, Message, Origin string }
		Obligations []struct {
			ID, Type string
			Params   []struct{ Name, Value string }
		}
		Approvals []approvalsWanted
		Revisions struct{ Platform, Domain, Consent string }
	}
}

type approvalsWanted struct {
	Role, Domain string
	Min          int
}

// explanation is how far each rule got, and what would help.
type explanation struct {
	IsFaithful bool
	Outcome    string
	Reasons    []struct{ Code, Message, Origin string }
	Rules      []struct {
		Package, Entry, Title, Code, File string

		Line       int
		IsHeld     bool
		Conditions []struct {
			Depth, Line, Column int
			File, Text          string
			Values              []compared
		}
	}
	Paths []struct{ Kind, Message string }
}

type compared struct {
	Path, Value           string
	IsMissing, IsRedacted bool
}

const explainQuery = `query E($id: ID!) { decision(id: $id) { at action domain resourceId principalId principal { name } askedById askedBy { name } decision {
	outcome reasons { code message origin } obligations { id type params { name value } } approvals { role domain min }
	revisions { platform domain consent } } } }`

const whyQuery = `query W($id: ID!) { whyDenied(decisionId: $id) { decisionId outcome isFaithful reasons { code message origin }
	rules { package entry title code file line isHeld conditions { depth file line column text values { path value isMissing isRedacted } } }
	paths { kind message outcome approvals { role domain min } changes { path value isMissing isRedacted } } } }`

// policyExplain says why a decision came out as it did, and what would change it.
func policyExplain(p *program) *cobra.Command {
	f := p.remoteCommand("explain DECISION-ID", "say why a decision came out as it did, and what would change it")
	asJSON := f.Bool("json", false, "print the explanation as JSON")
	return f.runs(func(ctx context.Context) error {
		r, err := f.remote()
		if err != nil {
			return err
		}
		if *asJSON {
			return p.explainJSON(ctx, r, f.Arg(0))
		}
		return p.explain(ctx, r, f.Arg(0))
	})
}

// explain tells what the log has, and then why. An owner may have a decision
// explained that is not theirs to read; a decision whose input is gone can
// only be read.
func (p *program) explain(ctx context.Context, r *remote.Client, id string) error {
	var logged *explained
	if err := r.Ask(ctx, "decision", explainQuery, map[string]any{"id": id}, &logged); err != nil {
		return err
	}
	if logged != nil {
		p.tell(*logged)
	}
	var why *explanation
	if err := r.Ask(ctx, "whyDenied", whyQuery, map[string]any{"id": id}, &why); err != nil {
		return err
	}
	switch {
	case why == nil && logged == nil:
		return noDecision(id)
	case why == nil:
		return nil
	case logged == nil:
		fmt.Fprintf(p.stdout, "%s %s\n", id, outcomeWords[why.Outcome])
		for _, r := range why.Reasons {
			fmt.Fprintf(p.stdout, "    %s  (%s, by %s)\n", r.Message, r.Code, r.Origin)
		}
	}
	p.tellWhy(*why)
	return nil
}

func (p *program) explainJSON(ctx context.Context, r *remote.Client, id string) error {
	var why json.RawMessage
	if err := r.Ask(ctx, "whyDenied", whyQuery, map[string]any{"id": id}, &why); err != nil {
		return err
	}
	if string(why) == "null" {
		return noDecision(id)
	}
	_, err := fmt.Fprintf(p.stdout, "%s\n", why)
	return err
}

func noDecision(id string) error {
	return fmt.Errorf("there is no decision %q, or you may not know of it", id)
}

// outcomeWords say an outcome to people.
var outcomeWords = map[string]string{"ALLOW": "was allowed", "DENY": "was refused", "NEEDS_APPROVAL": "waits for approval"}

func (p *program) tell(e explained) {
	who := e.PrincipalID
	if e.Principal != nil {
		who = e.Principal.Name
	}
	if e.AskedByID != "" {
		asker := e.AskedByID
		if e.AskedBy != nil {
			asker = e.AskedBy.Name
		}
		who += ", whom " + asker + " asked about,"
	}
	what := e.Action
	if e.ResourceID != "" {
		what += " of " + e.ResourceID
	}
	fmt.Fprintf(p.stdout, "%s by %s %s at %s\n", what, who, outcomeWords[e.Decision.Outcome], e.At)
	for _, r := range e.Decision.Reasons {
		fmt.Fprintf(p.stdout, "    %s  (%s, by %s)\n", r.Message, r.Code, r.Origin)
	}
	for _, o := range e.Decision.Obligations {
		words := make([]string, len(o.Params))
		for i, param := range o.Params {
			words[i] = param.Name + "=" + param.Value
		}
		fmt.Fprintf(p.stdout, "    with the duty %s: %s %s\n", o.ID, strings.ToLower(o.Type), strings.Join(words, " "))
	}
	for _, a := range e.Decision.Approvals {
		fmt.Fprintf(p.stdout, "    wants the approval of %d %s of %s\n", a.Min, strings.ReplaceAll(a.Role, "_", " "), cmp.Or(a.Domain, "the platform"))
	}
	fmt.Fprintf(p.stdout, "decided by %s", e.Decision.Revisions.Platform)
	if e.Decision.Revisions.Domain != "" {
		fmt.Fprintf(p.stdout, " and, of %s, %s", e.Domain, e.Decision.Revisions.Domain)
	}
	if e.Decision.Revisions.Consent != "" {
		fmt.Fprintf(p.stdout, " and, of the asker's domain, %s", e.Decision.Revisions.Consent)
	}
	fmt.Fprintln(p.stdout)
}

// tellWhy goes through the rules, and ends with what would help.
func (p *program) tellWhy(why explanation) {
	if !why.IsFaithful {
		fmt.Fprintln(p.stdout, "\nThe rules that decided are not to be had any more, or decide otherwise now: this is how those of today see it.")
	}
	if len(why.Rules) > 0 {
		fmt.Fprintln(p.stdout, "\nThe rules that could have applied:")
	}
	for _, r := range why.Rules {
		verdict := "did not apply"
		if r.IsHeld {
			verdict = "applied"
		}
		fmt.Fprintf(p.stdout, "  %s %s, %s:%d, %s\n", r.Entry, cmp.Or(r.Title, r.Code, "a rule without a name"), r.File, r.Line, verdict)
		for _, c := range r.Conditions {
			indent := strings.Repeat("  ", c.Depth)
			fmt.Fprintf(p.stdout, "%s    %s:%d:%d was not so: %s\n", indent, c.File, c.Line, c.Column, c.Text)
			for _, v := range c.Values {
				fmt.Fprintf(p.stdout, "%s      %s\n", indent, v)
			}
		}
	}
	switch {
	case len(why.Paths) > 0:
		fmt.Fprintln(p.stdout, "\nWhat would make it allowed:")
	case why.Outcome == "DENY":
		fmt.Fprintln(p.stdout, "\nNothing that one person can do would make it allowed.")
	}
	for _, path := range why.Paths {
		fmt.Fprintf(p.stdout, "  - %s\n", path.Message)
	}
}

// String says what a condition looked at.
func (c compared) String() string {
	switch {
	case c.IsRedacted:
		return c.Path + " is not shown to you"
	case c.IsMissing:
		return c.Path + " is missing"
	}
	return c.Path + " was " + c.Value
}
