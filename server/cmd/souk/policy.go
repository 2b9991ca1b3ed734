package main

import (
	"context"
	"fmt"
	"os"

	"github.com/souk-mesh/souk/server/policy"
)

func policyCommand(ctx context.Context, p *program, args []string) error {
	f := p.newFlags("policy", "test FOLDER")
	if err := f.parse(args); err != nil {
		return err
	}
	if f.NArg() != 2 || f.Arg(0) != "test" {
		f.Usage()
		return fmt.Errorf("wants test FOLDER: %w", errUsage)
	}
	report, err := policy.Test(ctx, os.DirFS(f.Arg(1)))
	if err != nil {
		return err
	}
	if failed := printPolicyReport(p.stdout, report); failed > 0 {
		return fmt.Errorf("%d of %d tests failed", failed, len(report.Tests))
	}
	return nil
}
