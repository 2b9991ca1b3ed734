package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/plugins"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/conformance"
	"github.com/souk-mesh/souk/sdk/host"
)

// grantOptions is what a person asks of a plugin about rights.
type grantOptions struct {
	config, grant, plan string
	secrets             secretFlag
	revoke              bool
}

// pluginGrants plans and gives rights in a source by hand, with a credential
// that the person holds. No server takes part, and no policy is asked.
func pluginGrants(p *program) *cobra.Command {
	f := p.command("grants PLUGIN ACTION", "list, plan, apply or verify rights in a source, with a credential of yours")
	f.cmd.Long = "PLUGIN is one that Souk brings, or the path of a program. ACTION is list, plan, apply or verify. A plan is printed and changes\n" +
		"nothing; apply does a plan that was printed, and refuses it when the source has changed since. No server and no policy takes part."
	o := grantOptions{secrets: secretFlag{}}
	f.StringVar(&o.config, "config-json", "{}", "the source's configuration, as `JSON` or @FILE")
	f.Var(o.secrets, "secret", "`FIELD=REFERENCE`, such as grants.password=env:DB_PASSWORD or grants.password=file:PATH (may be repeated)")
	f.StringVar(&o.grant, "grant", "", "the grant and those beside it, as `JSON` or @FILE: {\"grant\": {\"id\", \"asset\", \"role\", \"fields\", \"masks\", \"filters\"}, \"others\": []}")
	f.BoolVar(&o.revoke, "revoke", false, "take the grant away")
	f.StringVar(&o.plan, "plan", "", "the plan to apply, as plan printed it, as `JSON` or @FILE")
	return f.runs(func(ctx context.Context) error {
		p.harden()
		return p.grants(ctx, f.Arg(0), f.Arg(1), o)
	})
}

func (p *program) grants(ctx context.Context, plugin, action string, o grantOptions) (err error) {
	do, known := map[string]func(context.Context, *host.Process, host.Access, grantOptions) error{
		"list": p.listGrants, "plan": p.planGrant, "apply": p.applyGrant, "verify": p.verifyGrant,
	}[action]
	if !known {
		return model.Invalid("ACTION", "there is no such action", "write list, plan, apply or verify")
	}
	config, err := textOrFile("config-json", o.config)
	if err != nil {
		return err
	}
	references := map[string]string{}
	for field, reference := range o.secrets {
		references[field] = string(reference)
	}
	secrets, err := conformance.Secrets(references, ".")
	if err != nil {
		return model.Invalid("secret", err.Error(), "write FIELD=env:NAME or FIELD=file:PATH")
	}
	spec := host.Self(plugin)
	if _, bundled := plugins.ByName(plugin); !bundled {
		if spec, err = host.ProgramAt(plugin); err != nil {
			return asInvalid(err)
		}
	}
	spec.Folders = []string{"/"}
	process, err := host.Launch(ctx, spec, host.Limits{}, slog.New(slog.DiscardHandler))
	if err != nil {
		return asInvalid(err)
	}
	defer closing(process.Close, &err)
	return asInvalid(do(ctx, process, host.Access{Config: config, Secrets: secrets}, o))
}

// request reads the grant of the command line.
func (o grantOptions) request() (r sdk.GrantRequest, err error) {
	text, err := textOrFile("grant", o.grant)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, model.Invalid("grant", "is no grant", `write {"grant": {"id": "g1", "asset": {"namespace": "...", "name": "..."}, "role": "..."}}`)
	}
	r.Revoke = o.revoke
	return r, nil
}

func (p *program) listGrants(ctx context.Context, process *host.Process, a host.Access, o grantOptions) error {
	var roles []string
	if o.grant != "" {
		r, err := o.request()
		if err != nil {
			return err
		}
		roles = []string{r.Grant.Role}
	}
	return process.ListGrants(ctx, a, roles, func(h sdk.HeldGrant) error { return p.printLine(h) })
}

func (p *program) planGrant(ctx context.Context, process *host.Process, a host.Access, o grantOptions) error {
	r, err := o.request()
	if err != nil {
		return err
	}
	plan, err := process.PlanGrant(ctx, a, r)
	if err != nil {
		return err
	}
	return p.printLine(plan)
}

func (p *program) applyGrant(ctx context.Context, process *host.Process, a host.Access, o grantOptions) error {
	r, err := o.request()
	if err != nil {
		return err
	}
	text, err := textOrFile("plan", o.plan)
	if err != nil {
		return err
	}
	var plan sdk.GrantPlan
	if err := json.Unmarshal(text, &plan); err != nil {
		return model.Invalid("plan", "is no plan", "give what plan has printed")
	}
	outcome, err := process.ApplyGrant(ctx, a, r, plan)
	switch {
	case err != nil:
		return err
	case outcome == sdk.GrantChanged:
		return model.Conflict("plan", "the source has changed since the plan was made, and nothing was done", "plan again")
	}
	fmt.Fprintln(p.stdout, outcome)
	return nil
}

func (p *program) verifyGrant(ctx context.Context, process *host.Process, a host.Access, o grantOptions) error {
	r, err := o.request()
	if err != nil {
		return err
	}
	found, err := process.VerifyGrant(ctx, a, r.Grant)
	if err != nil {
		return err
	}
	return p.printLine(found)
}

// printLine writes the value as one line of JSON.
func (p *program) printLine(value any) error {
	e := json.NewEncoder(p.stdout)
	e.SetEscapeHTML(false)
	return e.Encode(value)
}
