package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server"
	"github.com/souk-mesh/souk/server/decisionlog"
)

// decisionFlags are the flags that narrow the log.
type decisionFlags struct {
	principal, resource, domain, action, outcome, from, to *string
}

func (f *flags) withDecisions() decisionFlags {
	return decisionFlags{
		principal: f.String("principal", "", "only decisions about the principal with this `id`"),
		resource:  f.String("resource", "", "only decisions about the record with this `id`"),
		domain:    f.String("domain", "", "only decisions about what the domain of this `name` owns"),
		action:    f.String("action", "", "only decisions about this `action`, such as data.read"),
		outcome:   f.String("outcome", "", "only decisions with this `outcome`: ALLOW, DENY or NEEDS_APPROVAL"),
		from:      f.String("from", "", "only decisions at this `time` or later, such as 2026-11-25 or 2026-11-25T10:00:00Z"),
		to:        f.String("to", "", "only decisions before this `time`"),
	}
}

func (d decisionFlags) filter() (f decisionlog.Filter, err error) {
	actions := append(model.Actions(), decisionlog.ActAccept)
	if strings.HasPrefix(*d.action, model.AppActions) {
		actions = append(actions, model.Action(*d.action))
	}
	outcomes := []model.Outcome{model.Allow, model.Deny, model.NeedsApproval}
	for _, err := range []error{
		idOf("--principal", model.PrefixPrincipal, *d.principal),
		oneOf("--action", "action", *d.action, actions),
		oneOf("--outcome", "outcome", strings.ToUpper(*d.outcome), outcomes),
	} {
		if err != nil {
			return f, err
		}
	}
	if *d.domain != "" {
		if err := model.Slug(*d.domain).Validate("--domain"); err != nil {
			return f, err
		}
	}
	f = decisionlog.Filter{
		PrincipalID: model.ID(*d.principal), ResourceID: model.ID(*d.resource), Domain: model.Slug(*d.domain),
		Outcome: model.Outcome(strings.ToUpper(*d.outcome)),
	}
	if *d.action != "" {
		f.Actions = []model.Action{model.Action(*d.action)}
	}
	if f.From, err = moment("--from", *d.from); err != nil {
		return f, err
	}
	if f.To, err = moment("--to", *d.to); err != nil {
		return f, err
	}
	if !f.To.IsZero() && !f.From.Before(f.To) {
		return f, model.Invalid("--to", "does not lie after --from", "give the earlier time to --from")
	}
	return f, nil
}

// moment reads a day or a time.
func moment(field, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, model.Invalid(field, "is no time", "use a day such as 2026-11-25 or a time such as 2026-11-25T10:00:00Z")
}

func decisionsVerify(p *program) *cobra.Command {
	f := p.command("verify", "recompute the chain and its signatures, also beside a running server").withSettings("store", "log-level", "log-format")
	key := f.String("public-key", "", "the `key` that the log must be signed with, as an earlier verification printed it")
	return f.runs(func(ctx context.Context) error {
		cfg, err := f.config()
		if err != nil {
			return err
		}
		return p.verifyDecisions(ctx, cfg, *key)
	})
}

func decisionsExport(p *program) *cobra.Command {
	f := p.command("export", "print decisions as JSON lines in OPA's shape").withSettings("store", "log-level", "log-format")
	narrow := f.withDecisions()
	return f.runs(func(ctx context.Context) error {
		filter, err := narrow.filter()
		if err != nil {
			return err
		}
		cfg, err := f.config()
		if err != nil {
			return err
		}
		return p.exportDecisions(ctx, cfg, filter)
	})
}

func decisionsReplay(p *program) *cobra.Command {
	f := p.command("replay", "make the decisions again with the rules in force").withSettings(storeSettings...)
	narrow := f.withDecisions()
	return f.runs(func(ctx context.Context) error {
		filter, err := narrow.filter()
		if err != nil {
			return err
		}
		return p.replayDecisions(ctx, f, filter)
	})
}

// decisionsAccept is the way back when store and log do not belong together and
// there is no backup. No server may be using them.
func decisionsAccept(p *program) *cobra.Command {
	f := p.command("accept", "go on where the store and its decision log have lost something").withSettings("store", "log-level", "log-format")
	reason := f.String("reason", "", "`why` it is accepted; the audit feed keeps it")
	return f.runs(func(ctx context.Context) error {
		if err := (model.Text{Field: "--reason", Least: 3, Most: 500}).Check(*reason); err != nil {
			return err
		}
		cfg, err := f.config()
		if err != nil {
			return err
		}
		log, err := p.logger(cfg)
		if err != nil {
			return err
		}
		missing, err := server.AcceptDecisions(ctx, cfg, *reason, log)
		if err != nil {
			return err
		}
		for _, what := range missing {
			fmt.Fprintln(p.stdout, "accepted:", what)
		}
		if len(missing) == 0 {
			fmt.Fprintln(p.stdout, "there is nothing to accept: the store and its decision log belong together")
		}
		return nil
	})
}

// verifyDecisions checks the chain, also beside a running server.
func (p *program) verifyDecisions(ctx context.Context, cfg server.Config, key string) (err error) {
	log, err := server.OpenDecisions(ctx, cfg)
	if err != nil {
		return err
	}
	defer closing(log.Close, &err)
	if key != "" && key != log.PublicKey() {
		return fmt.Errorf("the log is signed with another key: %s", log.PublicKey())
	}
	bar := p.bar("verifying", "rows")
	report, err := log.Verify(ctx, bar.show)
	bar.end()
	if err != nil {
		return err
	}
	for _, problem := range report.Problems {
		fmt.Fprintln(p.stdout, problem)
	}
	if more := report.Found - len(report.Problems); more > 0 {
		fmt.Fprintf(p.stdout, "and %d more\n", more)
	}
	fmt.Fprintf(p.stdout, "%s in %s, %s, %s erased\nhead        %s\npublic key  %s\n",
		model.Counted(report.Rows, "row"), model.Counted(report.Segments, "segment"), model.Counted(report.Days, "signed day"), model.Counted(report.Erased, "input"), report.Head, report.PublicKey)
	if !report.OK() {
		return fmt.Errorf("the log is not as it was written: %s", model.Counted(report.Found, "problem"))
	}
	return nil
}

func (p *program) exportDecisions(ctx context.Context, cfg server.Config, f decisionlog.Filter) (err error) {
	log, err := server.OpenDecisions(ctx, cfg)
	if err != nil {
		return err
	}
	defer closing(log.Close, &err)
	n, err := log.Export(ctx, p.stdout, f)
	if err == nil && n == 0 {
		err = mentioned(ctx, log, f)
	}
	return err
}

// replayDecisions needs the policies in force, which the store knows, so an
// embedded one must not be in use by a server.
func (p *program) replayDecisions(ctx context.Context, f *flags, filter decisionlog.Filter) (err error) {
	s, err := p.open(ctx, f)
	if err != nil {
		return err
	}
	defer closing(s.Close, &err)
	bar := p.bar("replaying", "decisions")
	report, err := s.Replay(ctx, filter, bar.show)
	bar.end()
	if err != nil {
		return err
	}
	if report.Same+report.Found+report.Skipped+report.Erased+report.Troubled == 0 {
		if err := mentioned(ctx, s.Decisions, filter); err != nil {
			return err
		}
	}
	for _, d := range report.Differences {
		fmt.Fprintf(p.stdout, "row %d (%s): %s was %s and is now %s\n", d.Seq, d.ID, d.Action, d.Logged, d.Now)
	}
	fmt.Fprintf(p.stdout, "%d the same, %d different; left out: %d of other revisions, %d without an input, %d made while the engine was in trouble\n",
		report.Same, report.Found, report.Skipped, report.Erased, report.Troubled)
	if !report.OK() {
		return fmt.Errorf("%s would come out otherwise", model.Counted(report.Found, "decision"))
	}
	return nil
}

// progress is a bar that only a terminal shows.
type progress struct{ bar *progressbar.ProgressBar }

func (p *program) bar(doing, what string) progress {
	out := io.Discard
	if file, ok := p.stderr.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		out = file
	}
	return progress{progressbar.NewOptions64(-1, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(doing), progressbar.OptionShowCount(),
		progressbar.OptionSetItsString(what), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())}
}

func (b progress) show(done, total int64) {
	if b.bar.GetMax64() != total {
		b.bar.ChangeMax64(total)
	}
	_ = b.bar.Set64(done)
}

func (b progress) end() { _ = b.bar.Finish() }
