package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
)

// printPolicyReport tells what the tests found and how many did not pass:
// first the trouble, then what no test reaches, then the sum.
func printPolicyReport(w io.Writer, report policy.Report) (failed int) {
	skipped := 0
	for _, t := range report.Tests {
		switch t.Outcome {
		case policy.Failed, policy.Errored:
			failed++
			fmt.Fprintf(w, "%s  %s:%d  %s\n    %s\n", strings.ToUpper(string(t.Outcome)), t.File, t.Line, t.Name, t.Message)
		case policy.Skipped:
			skipped++
		case policy.Passed:
		}
		for line := range strings.Lines(t.Output) {
			fmt.Fprintf(w, "    %s: %s\n", t.Name, strings.TrimRight(line, "\n"))
		}
	}
	for _, f := range report.Files {
		fmt.Fprintf(w, "%6.1f %%  %s%s\n", f.Percent, f.File, untested(f.Uncovered))
	}
	fmt.Fprintf(w, "%s: %d passed, %d failed, %d skipped; %.1f %% of the rules' lines covered\n",
		model.Counted(len(report.Tests), "test"), len(report.Tests)-failed-skipped, failed, skipped, report.Coverage)
	return failed
}

func untested(ranges []policy.LineRange) string {
	if len(ranges) == 0 {
		return ""
	}
	words := make([]string, len(ranges))
	for i, r := range ranges {
		if words[i] = strconv.Itoa(r.From); r.To > r.From {
			words[i] = fmt.Sprintf("%d-%d", r.From, r.To)
		}
	}
	return "  (no test reaches " + strings.Join(words, ", ") + ")"
}
