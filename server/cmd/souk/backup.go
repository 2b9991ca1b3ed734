package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server"
	"github.com/souk-mesh/souk/server/backup"
)

// backupStore copies the store, its decision log and the key of that into one
// file, also beside a running server.
func backupStore(p *program) *cobra.Command {
	f := p.command("backup FILE", "copy the store, its decision log and the key of that into one file, also beside a running server").
		withSettings("store", "log-level", "log-format")
	return f.runs(func(ctx context.Context) error {
		cfg, err := f.config()
		if err != nil {
			return err
		}
		m, err := server.Backup(ctx, cfg, f.Arg(0))
		if err == nil {
			p.tellBackup(f.Arg(0), m)
		}
		return err
	})
}

func (p *program) tellBackup(to string, m backup.Manifest) {
	fmt.Fprintf(p.stdout, "%s holds the store up to change %d and a decision log of %s, verified\nhead        %s\npublic key  %s\nkeep it as safe as the store: it holds people's names, and the key of the log\n",
		to, m.Change, model.Counted(m.Rows, "row"), m.Head, m.PublicKey)
}

// restoreStore brings back what an archive holds. No server may be using it.
func restoreStore(p *program) *cobra.Command {
	f := p.command("restore FILE", "bring back what such a file holds, with the server stopped").withSettings("store", "log-level", "log-format")
	return f.runs(func(ctx context.Context) error {
		cfg, err := f.config()
		if err != nil {
			return err
		}
		r, err := server.Restore(ctx, cfg, f.Arg(0))
		if err == nil {
			p.tellRestored(r)
		}
		return err
	})
}

func (p *program) tellRestored(r backup.Restored) {
	fmt.Fprintf(p.stdout, "restored the store up to change %d and a decision log of %s, of %s, verified\nhead        %s\npublic key  %s\n",
		r.Change, model.Counted(r.Rows, "row"), r.Made.Format("2006-01-02 15:04:05 UTC"), r.Head, r.PublicKey)
	if r.Aside != "" {
		fmt.Fprintf(p.stdout, "what was there before is in %s\n", r.Aside)
	}
}
