package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
)

// explained is what the decision log says of one decision.
type explained struct {
	At          string
	Action      string
	Domain      string
	ResourceID  string
	PrincipalID string
	Principal   *struct{ Name string }
	Decision    struct {
		Outcome     string
		Reasons     []struct{ Code, Message, Origin string }
		Obligations []struct {
			ID, Type string
			Params   []struct{ Name, Value string }
		}
		Approvals []struct {
			Role, Domain string
			Min          int
		}
		Revisions struct{ Platform, Domain string }
	}
}

const explainQuery = `query E($id: ID!) { decision(id: $id) { at action domain resourceId principalId principal { name } decision {
	outcome reasons { code message origin } obligations { id type params { name value } } approvals { role domain min }
	revisions { platform domain } } } }`

// policyExplain says why a decision came out as it did.
func policyExplain(ctx context.Context, p *program, args []string) error {
	f := p.newRemoteFlags("policy explain", "DECISION-ID")
	if err := f.parse(args); err != nil {
		return err
	}
	if f.NArg() != 1 {
		f.Usage()
		return fmt.Errorf("wants the id of one decision: %w", errUsage)
	}
	r, err := f.remote()
	if err != nil {
		return err
	}
	var found *explained
	if err := r.ask(ctx, "decision", explainQuery, map[string]any{"id": f.Arg(0)}, &found); err != nil {
		return err
	}
	if found == nil {
		return fmt.Errorf("there is no decision %q, or you may not know of it", f.Arg(0))
	}
	p.tell(*found)
	return nil
}

// outcomeWords say an outcome to people.
var outcomeWords = map[string]string{"ALLOW": "was allowed", "DENY": "was refused", "NEEDS_APPROVAL": "waits for approval"}

func (p *program) tell(e explained) {
	who := e.PrincipalID
	if e.Principal != nil {
		who = e.Principal.Name
	}
	fmt.Fprintf(p.stdout, "%s of %s by %s %s at %s\n", e.Action, e.ResourceID, who, outcomeWords[e.Decision.Outcome], e.At)
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
	fmt.Fprintln(p.stdout)
}
