package main

import (
	"context"
	"fmt"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/identity"
)

// tokenCommands are the operator's way back in when every token is lost. They
// open the store themselves, so an embedded one must not be in use by a server.
func tokenCommands() []command {
	return []command{
		{name: "issue", summary: "give a principal a new token and print it", run: tokenIssue},
		{name: "revoke", summary: "close a token at once", run: tokenRevoke},
	}
}

func tokenIssue(ctx context.Context, p *program, args []string) (err error) {
	f := p.newFlags("token issue", "PRINCIPAL").withSettings(storeSettings...)
	name := f.String("name", "command line", "`what` the token is for")
	lifetime := f.duration("lifetime", 90*24*time.Hour, "how long it opens, at most 366d")
	if err := f.parse(args); err != nil {
		return err
	}
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
}

func tokenRevoke(ctx context.Context, p *program, args []string) (err error) {
	f := p.newFlags("token revoke", "TOKEN-ID").withSettings(storeSettings...)
	if err := f.parse(args); err != nil {
		return err
	}
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
}
