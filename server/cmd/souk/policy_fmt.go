package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/souk-mesh/souk/server/policy"
)

// policyFmt writes each file of rules as the formatter would, and names those
// that it has changed.
func policyFmt(p *program) *cobra.Command {
	f := p.command("fmt FOLDER", "write the files of a folder of policies as the check wants them")
	return f.runs(func(_ context.Context) error {
		dir, err := f.folder()
		if err != nil {
			return err
		}
		return filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || filepath.Ext(file) != ".rego" {
				return err
			}
			text, err := os.ReadFile(file) //nolint:gosec // the file that the person at the command line names
			if err != nil {
				return fmt.Errorf("read %s: %w", file, err)
			}
			want, err := policy.Format(file, string(text))
			if err != nil || want == string(text) {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			fmt.Fprintln(p.stdout, file)
			return os.WriteFile(file, []byte(want), info.Mode().Perm()) //nolint:gosec // the person's own folder
		})
	})
}
