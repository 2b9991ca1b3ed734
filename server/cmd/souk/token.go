package main

import (
	"context"
	"fmt"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/identity"
)

// tokens is the operator's way back in when every token is lost. It opens the
// store itself, so an embedded one must not be in use by a server.
func tokens(ctx context.Context, p *program, args []string) (err error) {
	f := p.newFlags("token", "issue PRINCIPAL | revoke TOKEN-ID").withSettings()
	name := f.String("name", "command line", "what the token is for")
	lifetime := f.span("lifetime", 90*24*time.Hour, "how `long` it opens, as 90d, P90D or 36h, at most 366 days (default 90d)")
	if err := f.parse(args); err != nil {
		return err
	}
	if f.NArg() != 2 || (f.Arg(0) != "issue" && f.Arg(0) != "revoke") {
		f.Usage()
		return fmt.Errorf("wants issue PRINCIPAL or revoke TOKEN-ID: %w", errUsage)
	}
	s, err := p.open(ctx, f)
	if err != nil {
		return err
	}
	defer closing(s.Close, &err)
	ctx = model.WithPrincipal(ctx, model.System())
	if f.Arg(0) == "revoke" {
		token, err := s.Identity.RevokeToken(ctx, model.ID(f.Arg(1)))
		if err == nil {
			fmt.Fprintf(p.stdout, "%s is revoked\n", token.ID)
		}
		return err
	}
	principal, err := s.Identity.PrincipalByName(ctx, f.Arg(1))
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
