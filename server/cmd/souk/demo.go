package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server"
	"github.com/souk-mesh/souk/server/demo"
	"github.com/souk-mesh/souk/server/identity"
)

func demonstrate(p *program) *cobra.Command {
	f := p.command("demo", "start a server with a small company in it, and forget both at the end").withSettings()
	asJSON := f.Bool("json", false, "print one line of JSON with the address and the tokens")
	return f.runs(func(ctx context.Context) (err error) {
		p.harden()
		dir, err := os.MkdirTemp("", "souk-demo-")
		if err != nil {
			return err
		}
		defer closing(func() error { return os.RemoveAll(dir) }, &err)
		kept := f.Lookup("store").Value.String() != ""
		if err := f.prefer("store", "sqlite:"+filepath.Join(dir, "souk.db")); err != nil {
			return err
		}
		if err := f.prefer("log-level", "warn"); err != nil {
			return err
		}
		folders, err := demo.Folders(dir)
		if err != nil {
			return err
		}
		if err := f.prefer("source-folders", strings.Join(folders, ",")); err != nil {
			return err
		}
		s, listener, err := p.openBound(ctx, f)
		if err != nil {
			return err
		}
		defer closing(s.Close, &err)
		defer listener.Close() // once it serves, that closes it
		if err := vacant(ctx, s); err != nil {
			return err
		}
		if err := p.bringUp(ctx, s); err != nil {
			return err
		}
		company := demo.Company{Identity: s.Identity, Mesh: s.Mesh, Access: s.Access, Catalog: s.Catalog, Harvest: s.Harvest, Governance: s.Governance}
		tokens, err := company.Open(model.WithPrincipal(ctx, model.System()), dir)
		if err != nil {
			return err
		}
		invitations, err := invite(model.WithPrincipal(ctx, model.System()), s, tokens)
		if err != nil {
			return err
		}
		return s.Run(ctx, listener, func(url string) { p.announce(url, tokens, invitations, kept, *asJSON) })
	})
}

// invite gives the secret of an invitation for each person.
func invite(ctx context.Context, s *server.Server, tokens map[string]string) (map[string]string, error) {
	invitations := map[string]string{}
	for name, token := range tokens {
		who, err := s.Identity.Authenticate(ctx, token)
		if err != nil {
			return nil, err
		}
		if _, invitations[name], err = s.Identity.Invite(ctx, who.ID); err != nil {
			return nil, err
		}
	}
	return invitations, nil
}

// vacant reports a store that is in use: the company would move in with
// somebody else.
func vacant(ctx context.Context, s *server.Server) error {
	page, err := s.Identity.Principals(model.WithPrincipal(ctx, model.System()), model.Paging{First: 1})
	if err != nil || len(page.Nodes) == 0 {
		return err
	}
	return model.Conflict("store", "it holds records already, and the demo wants a store of its own", "leave --store out, or name a new one")
}

// prefer sets a flag that the command line leaves open.
func (f *flags) prefer(name, value string) error {
	if f.Lookup(name).Value.String() != "" {
		return nil
	}
	return f.Set(name, value)
}

func (p *program) announce(url string, tokens, invitations map[string]string, kept, asJSON bool) {
	if asJSON {
		_ = json.NewEncoder(p.stdout).Encode(map[string]any{"url": url, "tokens": tokens})
		return
	}
	fmt.Fprintf(p.stdout, "A small company is at %s. Each link signs in as one of its people, once, in the next 15 minutes:\n\n", url)
	who := map[string]string{"ana": "Ana (steward of Sales)", "bo": "Bo (steward of Marketing)", "cy": "Cy (steward of Operations, runs the platform)"}
	for _, name := range slices.Sorted(maps.Keys(tokens)) {
		fmt.Fprintf(p.stdout, "  open %s%s%s as %s\n", url, identity.InvitationPath, invitations[name], who[name])
	}
	fmt.Fprint(p.stdout, "\nLater, and for programs, their tokens:\n\n")
	for _, name := range slices.Sorted(maps.Keys(tokens)) {
		fmt.Fprintf(p.stdout, "  %-4s %s\n", name, tokens[name])
	}
	end := "Ctrl-C ends the demo and forgets everything."
	if kept {
		end = "Ctrl-C ends the demo. Its records stay in the store that you named; the databases that it harvested go."
	}
	fmt.Fprintf(p.stdout, "\nBo has asked for Sales' orders and waits for Ana; new rules for Sales wait for Ana and Cy.\n%s\n", end)
}
