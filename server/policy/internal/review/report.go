package review

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/types"

	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// testTimeout ends a test that does not come to an end by itself.
const testTimeout = 5 * time.Second

// Report is the result of a run of Rego tests.
type Report struct {
	Tests    []TestResult
	Files    []FileCoverage
	Coverage float64 // percent of the lines that the tests reach
}

// TestResult is one test.
type TestResult struct {
	Package  string
	Name     string
	File     string
	Line     int
	Outcome  TestOutcome
	Message  string // why it did not pass
	Output   string // what it printed
	Duration time.Duration
}

// TestOutcome is how a test ended.
type TestOutcome string

// The ends of a test.
const (
	Passed  TestOutcome = "passed"
	Failed  TestOutcome = "failed"
	Skipped TestOutcome = "skipped" // its name begins with todo_test_
	Errored TestOutcome = "error"
)

// FileCoverage tells what the tests reach of one file of rules.
type FileCoverage struct {
	File      string
	Percent   float64
	Covered   int // lines
	Lines     int // that hold code
	Uncovered []LineRange
}

// LineRange is a run of lines, both ends included.
type LineRange struct{ From, To int }

// Test runs every Rego test of the folder, each package beside the library
// and nothing else, as the server would run it. An error of kind Invalid tells
// of rules that the server would refuse.
func Test(ctx context.Context, files fs.FS) (Report, error) {
	var report Report
	own := sandbox.Tree{}
	if err := own.Read(files); err != nil {
		return report, err
	}
	all, err := sandbox.ReadTree(files)
	if err != nil {
		return report, err
	}
	for _, pkg := range slices.Sorted(maps.Keys(own)) {
		if err := report.add(ctx, all[pkg], all["souk."+sandbox.FolderLib]); err != nil {
			return report, err
		}
	}
	report.total()
	return report, nil
}

// add runs the tests of one package. Those that fail run once more with a
// trace, to tell which condition did not hold.
func (r *Report) add(ctx context.Context, s, lib sandbox.Source) error {
	if s.Pkg == lib.Pkg {
		lib = sandbox.Source{}
	}
	if _, err := sandbox.Compile(ctx, s, lib); err != nil {
		return err
	}
	results, covered, err := runTests(ctx, s, lib, "")
	if err != nil {
		return err
	}
	why := map[string]string{}
	if names := failures(results); len(names) > 0 {
		traced, _, err := runTests(ctx, s, lib, `\.(`+strings.Join(names, "|")+`)$`)
		if err != nil {
			return err
		}
		for _, t := range traced {
			why[t.Name] = condition(t)
		}
	}
	for _, t := range results {
		r.Tests = append(r.Tests, describe(t, why[t.Name]))
	}
	for file, f := range covered.Files {
		if _, ok := s.Modules[file]; ok && !sandbox.IsTest(file) {
			r.Files = append(r.Files, FileCoverage{File: file, Percent: f.Coverage, Covered: f.CoveredLines, Lines: f.CoveredLines + f.NotCoveredLines, Uncovered: lines(f.NotCovered)})
		}
	}
	return nil
}

func failures(results []*tester.Result) []string {
	var names []string
	for _, t := range results {
		if t.Fail {
			names = append(names, regexp.QuoteMeta(t.Name))
		}
	}
	return names
}

// runTests runs the tests whose names match. With a filter it traces, without
// one it measures coverage.
func runTests(ctx context.Context, s, lib sandbox.Source, filter string) ([]*tester.Result, cover.Report, error) {
	c, modules, err := sandbox.NewCompiler(&sandbox.Pin{Own: s.Pkg}, s.Modules, lib.RuleFiles(), true)
	if err != nil {
		return nil, cover.Report{}, err
	}
	covered := cover.New()
	runner := newRunner(c, modules).Filter(filter)
	if filter == "" {
		runner.SetCoverageQueryTracer(covered)
	} else {
		runner.EnableTracing(true)
	}
	running, err := runner.RunTests(ctx, nil)
	if err != nil {
		return nil, cover.Report{}, sandbox.Invalid(sandbox.AsErrors(err))
	}
	results := inPlace(running)
	if err := ctx.Err(); err != nil {
		return nil, cover.Report{}, fmt.Errorf("run policy tests: %w", err)
	}
	return results, covered.Report(modules), nil
}

func meteredForTests() []*tester.Builtin {
	list := make([]*tester.Builtin, len(sandbox.Metered))
	for i, option := range sandbox.Meters() {
		list[i] = &tester.Builtin{
			Decl: &ast.Builtin{Name: sandbox.MeteredPrefix + sandbox.Metered[i], Decl: types.NewFunction(nil, types.A)},
			Func: func(r *rego.Rego) { option(r) },
		}
	}
	return list
}

func describe(t *tester.Result, why string) TestResult {
	result := TestResult{
		Package: strings.TrimPrefix(t.Package, "data."), Name: t.Name, File: t.Location.File, Line: t.Location.Row,
		Outcome: Passed, Output: string(t.Output), Duration: t.Duration,
	}
	switch {
	case errors.Is(t.Error, context.DeadlineExceeded):
		result.Outcome, result.Message = Errored, fmt.Sprintf("the test took longer than %v: look for loops within loops", testTimeout)
	case t.Error != nil:
		result.Outcome, result.Message = Errored, sandbox.Plain(t.Error)
	case t.Skip:
		result.Outcome = Skipped
	case t.Fail:
		result.Outcome, result.Message = Failed, why
	}
	return result
}

// condition finds the last condition of the test itself that did not hold.
func condition(t *tester.Result) string {
	for _, event := range slices.Backward(t.Trace) {
		expr, ok := event.Node.(*ast.Expr)
		if event.Op == topdown.FailOp && ok && event.Location != nil && event.Location.File == t.Location.File {
			text, _, _ := strings.Cut(strings.TrimSpace(string(expr.Location.Text)), "\n")
			return fmt.Sprintf("line %d does not hold: %s", expr.Location.Row, text)
		}
	}
	return "the test is undefined"
}

func lines(ranges []cover.Range) []LineRange {
	sorted := slices.SortedFunc(slices.Values(ranges), func(a, b cover.Range) int { return cmp.Compare(a.Start.Row, b.Start.Row) })
	var joined []LineRange
	for _, r := range sorted {
		if n := len(joined); n > 0 && r.Start.Row <= joined[n-1].To+1 {
			joined[n-1].To = max(joined[n-1].To, r.End.Row)
			continue
		}
		joined = append(joined, LineRange{r.Start.Row, r.End.Row})
	}
	return joined
}

func (r *Report) total() {
	slices.SortFunc(r.Files, func(a, b FileCoverage) int { return cmp.Compare(a.File, b.File) })
	covered, all := 0, 0
	for _, f := range r.Files {
		covered, all = covered+f.Covered, all+f.Lines
	}
	if all > 0 {
		r.Coverage = 100 * float64(covered) / float64(all)
	}
}
