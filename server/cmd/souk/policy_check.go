package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"

	"github.com/spf13/cobra"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
)

// policyCheck says everything that is wrong with the rules in a folder. It asks
// nobody: what a server would refuse, it refuses.
func policyCheck(p *program) *cobra.Command {
	f := p.command("check FOLDER", "look a folder of policies over and say what is wrong, by file and line")
	return f.runs(func(ctx context.Context) error {
		dir, err := f.folder()
		if err != nil {
			return err
		}
		engine, all, err := offline(os.DirFS(dir))
		if err != nil {
			return err
		}
		if len(all) == 0 && !holdsRules(os.DirFS(dir)) {
			return model.Invalid("policies", "the folder holds no Rego file", "put a domain's rules into domains/NAME/; souk policy new writes the first ones")
		}
		errs, warnings := 0, 0
		for _, domain := range slices.Sorted(maps.Keys(all)) {
			_, problems := engine.Check(ctx, all[domain])
			problems = append(problems, policy.UnknownDomains(all[domain], slices.Sorted(maps.Keys(all)), true)...)
			for _, problem := range problems {
				printProblem(p.stdout, problem)
				if problem.Severity == "error" {
					errs++
				} else {
					warnings++
				}
			}
		}
		fmt.Fprintf(p.stdout, "%s checked: %s, %s\n", model.Counted(len(all), "domain"), model.Counted(errs, "error"), model.Counted(warnings, "warning"))
		if errs > 0 {
			return errReported
		}
		return nil
	})
}

// holdsRules reports that there is any file of rules at all.
func holdsRules(files fs.FS) bool {
	found := false
	_ = fs.WalkDir(files, ".", func(file string, d fs.DirEntry, err error) error {
		found = found || err == nil && !d.IsDir() && path.Ext(file) == ".rego"
		return nil
	})
	return found
}

// offline compiles what the folder holds of the platform's own rules, and reads
// the domains' as drafts.
func offline(files fs.FS) (*policy.Engine, map[model.Slug]policy.Draft, error) {
	rest, err := platformOf(files)
	if err != nil {
		return nil, nil, err
	}
	engine, err := policy.New(policy.Config{Files: rest, Child: policyChild()})
	if err != nil {
		return nil, nil, err
	}
	all, err := drafts(files)
	return engine, all, err
}

// printProblem tells of something that was found, the place first, as editors
// and terminals understand it.
func printProblem(w io.Writer, p model.PolicyProblem) {
	place := p.File
	if p.Line > 0 {
		place = fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	if place != "" {
		place += ": "
	}
	fmt.Fprintf(w, "%s%s: %s (%s)\n", place, p.Severity, p.Message, p.Code)
	if p.Fix != "" {
		fmt.Fprintf(w, "    %s\n", p.Fix)
	}
}

// policyTest runs every Rego test of the folder, and then what a domain's rules
// must prove before they may be put in force.
func policyTest(p *program) *cobra.Command {
	f := p.command("test FOLDER", "run the tests of a folder of policies, with coverage")
	return f.runs(func(ctx context.Context) error {
		dir, err := f.folder()
		if err != nil {
			return err
		}
		report, err := policy.Test(ctx, os.DirFS(dir))
		if err != nil {
			return err
		}
		if failed := printPolicyReport(p.stdout, report); failed > 0 {
			return fmt.Errorf("%d of %s failed", failed, model.Counted(len(report.Tests), "test"))
		}
		engine, all, err := offline(os.DirFS(dir))
		if err != nil {
			return err
		}
		bad := 0
		for _, domain := range slices.Sorted(maps.Keys(all)) {
			tests, err := engine.Test(ctx, all[domain])
			if err != nil {
				return err
			}
			bad += printPolicyTests(p.stdout, tests)
		}
		if bad > 0 {
			return fmt.Errorf("the rules cannot be published yet: the tests pass, but they leave %s", model.Counted(bad, "problem"))
		}
		return nil
	})
}

// printPolicyTests tells what keeps rules from being published, and how many
// things do. A condition whose change no test notices is only a hint.
func printPolicyTests(w io.Writer, tests model.PolicyTests) (bad int) {
	for _, problem := range slices.Concat(tests.Failures, tests.Uncovered, tests.Survivors) {
		printProblem(w, problem)
	}
	return len(tests.Failures) + len(tests.Uncovered)
}
