package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/cmd/souk/internal/remote"
	"github.com/souk-mesh/souk/server/policy"
)

// proposal is what the commands want to know of a policy proposal.
type proposal struct {
	ID               string
	Status           string
	Problems         []model.PolicyProblem
	Tests            *testsReport
	Impact           *impactReport
	MissingApprovals []model.Approval
	WantedVotes      []wantedVote
}

type testsReport struct {
	IsOk                           bool
	Passed, Failed                 int
	Covered                        float64
	Failures, Uncovered, Survivors []model.PolicyProblem
}

type impactReport struct {
	Hash                        string
	Replayed, Grants, Generated int
	Flips                       []struct {
		Change, Action, Classification, Team string
		Count                                int
		SampleIDs                            []string `json:"sampleIds"`
	}
	DyingGrantIDs            []string `json:"dyingGrantIds"`
	IsLoosening, IsSensitive bool
	Loosenings, ChannelRules []model.PolicyProblem
	RowSteps                 int
}

const (
	problemFields  = `{ severity code file line message fix }`
	proposalFields = `proposal { id status problems ` + problemFields + `
		tests { isOk passed failed covered failures ` + problemFields + ` uncovered ` + problemFields + ` survivors ` + problemFields + ` }
		` + impactFields + voteFields + ` }`
	voteFields   = ` missingApprovals { role domain min } wantedVotes { role domain lacking hint voters { name } }`
	impactFields = `impact { hash replayed grants generated isLoosening isSensitive rowSteps loosenings ` + problemFields + ` channelRules ` + problemFields + ` dyingGrantIds flips { change action classification team count sampleIds } }`
)

// publishing is one way of a folder's rules into force.
type publishing struct {
	*program
	*remote.Client
	found   proposal
	verbose bool // tell of every made-up question
}

// next is the command that goes on with the proposal, on the same server.
func (p *publishing) next() string {
	command := "souk policy publish"
	if p.URL != remote.DefaultURL {
		command += " --url " + p.URL
	}
	return command + " --proposal " + p.found.ID
}

// wantedVote is a vote that is missing, with what to do about it.
type wantedVote struct {
	Role, Domain, Hint string
	Lacking            int
	Voters             []struct{ Name string }
}

// publishFlags are the flags of what brings a folder's rules to a server.
type publishFlags struct {
	*remoteFlags
	domain, title *string
	verbose       *bool
}

func (p *program) publishCommand(use, summary string) *publishFlags {
	f := &publishFlags{remoteFlags: p.remoteCommand(use, summary)}
	f.domain = f.String("domain", "", "`name` of the domain whose rules are meant (default: the only one in the folder)")
	f.title = f.String("title", "", "`what` the proposal is called")
	f.verbose = f.Bool("verbose", false, "tell of every made-up question that would come out otherwise")
	return f
}

func (f *publishFlags) publishing() (*publishing, error) {
	r, err := f.remote()
	return &publishing{program: f.program, Client: r, verbose: *f.verbose}, err
}

// policyPublish goes as far as the votes allow.
func policyPublish(p *program) *cobra.Command {
	f := p.publishCommand("publish [FOLDER]", "propose the rules in a folder, and put them in force once they are approved")
	id := f.String("proposal", "", "go on with this proposal `id` instead of making one of a folder")
	return f.runs(func(ctx context.Context) error {
		pub, err := f.publishing()
		if err != nil {
			return err
		}
		if *id != "" && f.NArg() == 0 {
			pub.found.ID = *id
			return pub.activate(ctx)
		}
		draft, err := f.draft(*f.domain)
		if err != nil {
			return err
		}
		if err := pub.assessed(ctx, draft, *f.title); err != nil {
			return err
		}
		return pub.activate(ctx)
	})
}

func (f *flags) draft(domain string) (policy.Draft, error) {
	dir, err := f.folder()
	if err != nil {
		return policy.Draft{}, err
	}
	return draftOf(os.DirFS(dir), domain)
}

// assessed takes the rules through every step that needs nobody else.
func (p *publishing) assessed(ctx context.Context, d policy.Draft, title string) error {
	if title == "" {
		title = "Rules of " + string(d.Domain)
	}
	modules := make([]map[string]any, len(d.Modules))
	for i, m := range d.Modules {
		modules[i] = map[string]any{"path": m.Path, "text": m.Text}
	}
	if err := p.step(ctx, "draftPolicy", map[string]any{"domain": d.Domain, "title": title, "modules": modules}); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "drafted   %s: %s of %s\n", p.found.ID, model.Counted(len(modules), "file"), d.Domain)
	if err := p.step(ctx, "checkPolicy", map[string]any{"id": p.found.ID}); err != nil {
		return err
	}
	if p.tellProblems("checked ", p.found.Problems) > 0 {
		return errReported
	}
	if err := p.step(ctx, "testPolicy", map[string]any{"id": p.found.ID}); err != nil {
		return err
	}
	if !p.tellTests() {
		return errReported
	}
	return p.assess(ctx)
}

// step sends one mutation that answers with the proposal.
func (p *publishing) step(ctx context.Context, name string, input map[string]any) error {
	var payload struct{ Proposal proposal }
	if err := p.Change(ctx, name, proposalFields, input, &payload); err != nil {
		return err
	}
	p.found = payload.Proposal
	return nil
}

func (p *publishing) tellProblems(what string, problems []model.PolicyProblem) (errs int) {
	for _, problem := range problems {
		printProblem(p.stdout, problem)
		if problem.Severity == "error" {
			errs++
		}
	}
	fmt.Fprintf(p.stdout, "%s  %s, %s\n", what, model.Counted(errs, "error"), model.Counted(len(problems)-errs, "warning"))
	return errs
}

func (p *publishing) tellTests() bool {
	t := p.found.Tests
	if t == nil {
		fmt.Fprintln(p.stdout, "tested    nothing")
		return false
	}
	printPolicyTests(p.stdout, model.PolicyTests{Failures: t.Failures, Uncovered: t.Uncovered, Survivors: t.Survivors})
	fmt.Fprintf(p.stdout, "tested    %d passed, %d failed, %.0f %% of the rules' lines covered\n", t.Passed, t.Failed, 100*t.Covered)
	return t.IsOk
}

// activate puts the proposal in force, or says whose word is missing.
func (p *publishing) activate(ctx context.Context) error {
	if missing := p.found.MissingApprovals; len(missing) > 0 {
		words := make([]string, len(missing))
		for i, a := range missing {
			words[i] = fmt.Sprintf("%d %s", a.Min, strings.ReplaceAll(string(a.Role), "_", " "))
			if a.Domain != "" {
				words[i] += " of " + string(a.Domain)
			}
		}
		p.tellVoters()
		fmt.Fprintf(p.stdout, "waits     for the approval of %s; then: %s\n", strings.Join(words, " and "), p.next())
		return nil
	}
	if err := p.step(ctx, "activatePolicy", map[string]any{"id": p.found.ID}); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%-9s %s\n", strings.ToLower(p.found.Status), p.found.ID)
	return nil
}

// tellVoters says who can vote, and what to do where too few can.
func (p *publishing) tellVoters() {
	for _, w := range p.found.WantedVotes {
		role := strings.ReplaceAll(w.Role, "_", " ")
		if w.Domain != "" {
			role += " of " + w.Domain
		}
		names := make([]string, len(w.Voters))
		for i, v := range w.Voters {
			names[i] = v.Name
		}
		who := "nobody can vote now"
		if len(names) > 0 {
			who = "can be given by " + strings.Join(names, ", ")
		}
		fmt.Fprintf(p.stdout, "    %s: %s", role, who)
		if len(names) < w.Lacking {
			fmt.Fprintf(p.stdout, "; %s", w.Hint)
		}
		fmt.Fprintln(p.stdout)
	}
}

// policyRollback returns a domain to rules that were in force before.
func policyRollback(p *program) *cobra.Command {
	f := p.remoteCommand("rollback", "return a domain to rules that were in force before")
	domain := f.String("domain", "", "`name` of the domain (default: the platform's own rules)")
	to := f.String("to", "", "`id` of the revision to return to (default: the one before the present one)")
	start := f.Bool("to-start", false, "return to what the server was started with, whatever revisions there have been")
	reason := f.String("reason", "", "`why`, for the audit feed")
	return f.runs(func(ctx context.Context) error {
		switch {
		case *reason == "":
			return fmt.Errorf("wants --reason: %w", errUsage)
		case *start && *to != "":
			return fmt.Errorf("wants --to or --to-start, not both: %w", errUsage)
		}
		r, err := f.remote()
		if err != nil {
			return err
		}
		input := map[string]any{"reason": *reason}
		for name, value := range map[string]string{"domain": *domain, "revisionId": *to} {
			if value != "" {
				input[name] = value
			}
		}
		if *start {
			input["returnsToStart"] = true
		}
		var payload struct {
			State  struct{ ServingHash string }
			Notice string
		}
		if err := r.Change(ctx, "rollbackPolicy", "state { servingHash } notice", input, &payload); err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "decides by %s\n", payload.State.ServingHash)
		if payload.Notice != "" {
			fmt.Fprintln(p.stdout, payload.Notice)
		}
		return nil
	})
}
