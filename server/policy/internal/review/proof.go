package review

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// mutationTime bounds the search for conditions that no test notices. What it
// does not get to is not reported; it is a hint and no threshold.
const mutationTime = 5 * time.Second

// prove runs the tests of a draft, holds it to the thresholds, asks it the
// questions of the platform's contract, and looks for conditions that no test
// notices.
func (e *Desk) prove(ctx context.Context, d sandbox.Draft) (model.PolicyTests, error) {
	var tests model.PolicyTests
	if _, problems := e.check(ctx, d); broken(problems) {
		tests.Failures = slices.DeleteFunc(problems, func(p model.PolicyProblem) bool { return p.Severity != sandbox.SeverityError })
		return tests, nil
	}
	reached, all := 0, 0
	for _, s := range packagesOf(d) {
		p := proof{Source: s, lib: e.Library(), report: &tests}
		if err := p.run(ctx); err != nil {
			return tests, err
		}
		reached, all = reached+p.reached, all+p.lines
	}
	if all > 0 {
		tests.Covered = float64(reached) / float64(all)
	}
	kept, err := e.keepsContract(ctx, d)
	if err != nil {
		return tests, err
	}
	tests.Failures = append(tests.Failures, kept...)
	if tests.OK() {
		limited, cancel := context.WithTimeout(ctx, mutationTime)
		defer cancel()
		for _, s := range packagesOf(d) {
			tests.Survivors = append(tests.Survivors, e.survivors(limited, s)...)
		}
	}
	if err := ctx.Err(); err != nil {
		return tests, fmt.Errorf("try the rules: %w", err)
	}
	return tests, nil
}

// proof is the proof of one package of a draft.
type proof struct {
	sandbox.Source
	lib            sandbox.Source
	report         *model.PolicyTests
	reached, lines int
}

func (p *proof) run(ctx context.Context) error {
	s, err := suiteOf(p.Source, p.lib)
	if err != nil {
		return err
	}
	w := newWatch(p.Pkg)
	results, err := s.run(ctx, s.modules, w)
	if err != nil {
		return err
	}
	for _, r := range results {
		p.result(describe(r, "a condition of the test does not hold"))
	}
	if len(results) == 0 {
		p.lacks("policy.no_tests", "", 0, "package "+p.Pkg+" has no tests", "write tests in a file that ends in _test.rego")
		return nil
	}
	for _, r := range s.accidental() {
		p.fails("policy.no_assertion", r.Location.File, r.Location.Row, r.Head.Name.String()+" passes whatever the rules say", "compare what a rule gives with what you expect of it")
	}
	p.coverage(s, w)
	p.actions(s, w)
	return nil
}

// fails reports what is wrong with the tests, lacks what is missing of them.
func (p *proof) fails(code, file string, line int, message, fix string) {
	p.report.Failures = append(p.report.Failures, model.PolicyProblem{Severity: sandbox.SeverityError, Code: code, File: file, Line: line, Message: message, Fix: fix})
}

func (p *proof) lacks(code, file string, line int, message, fix string) {
	p.report.Uncovered = append(p.report.Uncovered, model.PolicyProblem{Severity: sandbox.SeverityError, Code: code, File: file, Line: line, Message: message, Fix: fix})
}

func (p *proof) result(t TestResult) {
	switch t.Outcome {
	case Passed:
		p.report.Passed++
	case Failed, Errored:
		p.report.Failed++
		p.fails("policy.test_failed", t.File, t.Line, t.Name+": "+t.Message, "correct the rule or the test; souk policy test shows which condition did not hold")
	case Skipped:
		p.fails("policy.test_skipped", t.File, t.Line, t.Name+" is not run", "finish the test and take todo_ off its name, or remove it")
	}
}

// leastCovered is the share of lines that the tests of a draft must reach.
// Rules that deny must be reached whole.
const leastCovered = 0.9

// coverage holds the package to the shares of lines.
func (p *proof) coverage(s *suite, w *watch) {
	report := w.cover.Report(s.modules)
	var missed []model.PolicyProblem
	for _, file := range sandbox.SortedFiles(s.own) {
		f := report.Files[file]
		if sandbox.IsTest(file) || f == nil {
			continue
		}
		p.reached, p.lines = p.reached+f.CoveredLines, p.lines+f.CoveredLines+f.NotCoveredLines
		for _, r := range lines(f.NotCovered) {
			rule := ruleAt(s.own[file], r)
			if rule != nil && rule.Head.Ref()[0].Value.String() == "deny" {
				p.lacks("policy.deny_untested", file, r.From, fmt.Sprintf("no test reaches line%s of a rule that denies", r), "write a test in which it denies")
				continue
			}
			missed = append(missed, model.PolicyProblem{Severity: sandbox.SeverityError, Code: "policy.coverage", File: file, Line: r.From, Message: fmt.Sprintf("no test reaches line%s", r), Fix: fmt.Sprintf("test at least %.0f %% of the lines", 100*leastCovered)})
		}
	}
	if p.lines > 0 && float64(p.reached) < leastCovered*float64(p.lines) {
		p.report.Uncovered = append(p.report.Uncovered, missed...)
	}
}

// String spells the lines out: " 7", or "s 7 to 9".
func (r LineRange) String() string {
	if r.From == r.To {
		return fmt.Sprintf(" %d", r.From)
	}
	return fmt.Sprintf("s %d to %d", r.From, r.To)
}

// actions wants a test that allows and one that refuses for every action that
// the package decides. One that names no action decides all alike.
func (p *proof) actions(s *suite, w *watch) {
	if sandbox.AreStandards(p.Pkg) {
		return
	}
	for _, a := range s.decided() {
		shown, name := w.of(a.action), "any action"
		if a.action != "" {
			name = string(a.action)
		}
		if a.allows && !shown.allowed {
			p.lacks("policy.action_untested", a.file, a.line, "no test allows "+name, "write a test in which allow gives a reason")
		}
		if a.denies && !a.allows && !shown.denied {
			p.lacks("policy.action_untested", a.file, a.line, "no test denies "+name, "write a test in which deny gives a reason")
		}
		if a.allows && !shown.refused && !shown.denied {
			p.lacks("policy.action_untested", a.file, a.line, "no test refuses "+name, "write a test in which allow gives none, or deny gives a reason")
		}
		if a.denies && !a.allows && !shown.passed {
			p.lacks("policy.action_untested", a.file, a.line, "no test lets "+name+" pass", "write a test in which deny gives no reason")
		}
	}
}
