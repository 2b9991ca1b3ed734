package main

import (
	"context"
	"fmt"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server"
)

// backupStore copies the store, its decision log and the key of that into one
// file, also beside a running server.
func backupStore(ctx context.Context, p *program, args []string) error {
	f := p.newFlags("backup", "FILE").withSettings("store", "log-level", "log-format")
	to, cfg, err := f.archive(args)
	if err != nil {
		return err
	}
	m, err := server.Backup(ctx, cfg, to)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%s holds the store up to change %d and a decision log of %s, verified\nhead        %s\npublic key  %s\nkeep it as safe as the store: it holds people's names, and the key of the log\n",
		to, m.Change, model.Counted(m.Rows, "row"), m.Head, m.PublicKey)
	return nil
}

// restoreStore brings back what an archive holds. No server may be using it.
func restoreStore(ctx context.Context, p *program, args []string) error {
	f := p.newFlags("restore", "FILE").withSettings("store", "log-level", "log-format")
	from, cfg, err := f.archive(args)
	if err != nil {
		return err
	}
	r, err := server.Restore(ctx, cfg, from)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "restored the store up to change %d and a decision log of %s, of %s, verified\nhead        %s\npublic key  %s\n",
		r.Change, model.Counted(r.Rows, "row"), r.Made.Format("2006-01-02 15:04:05 UTC"), r.Head, r.PublicKey)
	if r.Aside != "" {
		fmt.Fprintf(p.stdout, "what was there before is in %s\n", r.Aside)
	}
	return nil
}

// archive reads the file that a command is about, and the store.
func (f *flags) archive(args []string) (file string, cfg server.Config, err error) {
	if err := f.parse(args); err != nil {
		return "", cfg, err
	}
	cfg, err = f.config()
	return f.Arg(0), cfg, err
}
