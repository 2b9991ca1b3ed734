package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/identity"
)

// tokenIssue is the operator's way back in when every token is lost. It opens the store themselves, so an embedded one must not be in use by a server.
func tokenIssue(p *program) *cobra.Command {
	f := p.command("issue PRINCIPAL", "give a principal a new token and print it").withSettings(storeSettings...)
	name := f.String("name", "command line", "`what` the token is for")
	lifetime := f.duration("lifetime", 90*24*time.Hour, "how long it opens, at most 366d")
	return f.runs(func(ctx context.Context) (err error) {
		s, err := p.open(ctx, f)
		if err != nil {
			return err
		}
		defer closing(s.Close, &err)
		ctx = model.WithPrincipal(ctx, model.System())
		principal, err := s.Identity.PrincipalByName(ctx, f.Arg(0))
		if model.Is(err, model.KindNotFound) {
			return unknownPrincipal(ctx, s, f.Arg(0), err)
		}
		if err != nil {
			return err
		}
		token, secret, err := s.Identity.IssueToken(ctx, identity.NewToken{PrincipalID: principal.ID, Name: *name, Lifetime: *lifetime})
		if err == nil {
			fmt.Fprintf(p.stdout, "%s\n", secret)
			fmt.Fprintf(p.stderr, "token %s of %s, until %s; it is not shown again\n", token.ID, principal.Name, token.ExpiresAt.Format(time.RFC3339))
		}
		return err
	})
}

func tokenRevoke(p *program) *cobra.Command {
	f := p.command("revoke TOKEN-ID", "close a token at once").withSettings(storeSettings...)
	return f.runs(func(ctx context.Context) (err error) {
		if err := idOf("TOKEN-ID", model.PrefixToken, f.Arg(0)); err != nil {
			return err
		}
		s, err := p.open(ctx, f)
		if err != nil {
			return err
		}
		defer closing(s.Close, &err)
		token, err := s.Identity.RevokeToken(model.WithPrincipal(ctx, model.System()), model.ID(f.Arg(0)))
		if err == nil {
			fmt.Fprintf(p.stdout, "%s is revoked\n", token.ID)
		}
		return err
	})
}
