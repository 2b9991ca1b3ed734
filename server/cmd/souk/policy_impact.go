package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/souk-mesh/souk/graph/model"
)

// policyImpact goes as far as the report, and leaves the proposal there.
func policyImpact(p *program) *cobra.Command {
	f := p.publishCommand("impact FOLDER", "say what a server would have decided otherwise by the rules in a folder")
	return f.runs(func(ctx context.Context) error {
		draft, err := f.draft(*f.domain)
		if err != nil {
			return err
		}
		pub, err := f.publishing()
		if err != nil {
			return err
		}
		if err := pub.assessed(ctx, draft, *f.title); err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "\nThe proposal %s waits at %s. %s goes on with it.\n", pub.found.ID, pub.found.Status, pub.next())
		return nil
	})
}

// assessment is a replay as it goes on.
type assessment struct {
	State       string
	Done, Total int
	Message     string
}

// assess has the past replayed and follows it with a bar. Ctrl-C ends the
// replay on the server too.
func (p *publishing) assess(ctx context.Context) error {
	var begun struct{ Assessment assessment }
	id := map[string]any{"id": p.found.ID}
	if err := p.Change(ctx, "assessPolicy", "assessment { state done total message }", id, &begun); err != nil {
		return err
	}
	last, err := p.watch(ctx, begun.Assessment)
	if ctx.Err() != nil {
		_ = p.Change(context.WithoutCancel(ctx), "cancelPolicyAssessment", "assessment { state }", id, &begun)
		return fmt.Errorf("the replay was ended; the proposal %s stays as it was", p.found.ID)
	}
	if err != nil {
		return err
	}
	if last.State != "DONE" {
		return fmt.Errorf("the replay is %s: %s", strings.ToLower(last.State), last.Message)
	}
	query := `query P($id: ID!) { policyProposal(id: $id) { id status ` + impactFields + voteFields + ` } }`
	if err := p.Ask(ctx, "policyProposal", query, id, &p.found); err != nil {
		return err
	}
	p.tellImpact()
	return nil
}

func (p *publishing) watch(ctx context.Context, last assessment) (assessment, error) {
	if last.State != "RUNNING" {
		return last, nil
	}
	out := io.Discard
	if file, ok := p.stderr.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		out = file
	}
	bar := progressbar.NewOptions(max(1, last.Total), progressbar.OptionSetWriter(out), progressbar.OptionSetDescription("replaying"),
		progressbar.OptionShowCount(), progressbar.OptionSetItsString("questions"), progressbar.OptionShowIts(), progressbar.OptionClearOnFinish())
	query := `subscription A($id: ID!) { policyAssessment(proposalId: $id) { state done total message } }`
	err := p.Follow(ctx, "policyAssessment", query, map[string]any{"id": p.found.ID}, func(data json.RawMessage) (bool, error) {
		if err := json.Unmarshal(data, &last); err != nil {
			return false, err
		}
		bar.ChangeMax(max(1, last.Total))
		_ = bar.Set(min(last.Done, last.Total))
		return last.State == "RUNNING", nil
	})
	_ = bar.Finish()
	return last, err
}

// flipWords say what a change means to those whom it meets.
var flipWords = map[string]string{
	"allow_to_deny": "would be refused", "deny_to_allow": "would be allowed", "tightened": "would come with more duties",
	"loosened": "would come with fewer duties", "error": "would end in an error of the rules",
}

func (p *publishing) tellImpact() {
	i := p.found.Impact
	if i == nil {
		return
	}
	fmt.Fprintf(p.stdout, "replayed  %s, %s, %s\n", model.Counted(i.Replayed, "decision"), model.Counted(i.Grants, "live grant"), model.Counted(i.Generated, "made-up question"))
	invented := map[string]int{}
	for _, f := range i.Flips {
		if strings.HasPrefix(f.Team, "made up: ") && !p.verbose {
			invented[f.Change] += f.Count
			continue
		}
		about := strings.ToLower(f.Classification)
		if about != "" {
			about = " on " + about + " data"
		}
		samples := ""
		if n := min(2, len(f.SampleIDs)); n > 0 {
			samples = " (such as " + strings.Join(f.SampleIDs[:n], ", ") + ")"
		}
		fmt.Fprintf(p.stdout, "    %d x %s%s by %s %s%s\n", f.Count, f.Action, about, f.Team, flipWords[f.Change], samples)
	}
	for _, change := range slices.Sorted(maps.Keys(invented)) {
		fmt.Fprintf(p.stdout, "    %s %s; --verbose lists them\n", model.Counted(invented[change], "made-up question"), flipWords[change])
	}
	for _, l := range slices.Concat(i.Loosenings, i.ChannelRules) {
		fmt.Fprintf(p.stdout, "    %s:%d: %s\n", l.File, l.Line, l.Message)
	}
	if i.RowSteps > 0 {
		fmt.Fprintf(p.stdout, "    one row of a list takes %s of the rules: no filter can express them\n", model.Counted(i.RowSteps, "step"))
	}
	if len(i.Flips) == 0 {
		fmt.Fprintln(p.stdout, "    nothing would come out otherwise")
	}
	if n := len(i.DyingGrantIDs); n > 0 {
		fmt.Fprintf(p.stdout, "    %s would open nothing any more: %s\n", model.Counted(n, "live grant"), strings.Join(i.DyingGrantIDs[:min(5, n)], ", "))
	}
	if i.IsSensitive {
		fmt.Fprintln(p.stdout, "    it allows more than before on confidential or restricted data")
	} else if i.IsLoosening {
		fmt.Fprintln(p.stdout, "    it allows more than before")
	}
	fmt.Fprintf(p.stdout, "    approvers sign the report %s\n", i.Hash)
}
