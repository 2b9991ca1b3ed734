package policy

import (
	"context"
	"io/fs"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/decide"
	"github.com/souk-mesh/souk/server/policy/internal/explain"
	"github.com/souk-mesh/souk/server/policy/internal/impact"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/review"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// Config says where the policies are.
type Config struct {
	Files fs.FS    // platform/, lib/, template/, standards/ and domains/NAME/; what is missing is what Souk ships
	Child []string // the command that ends in ServeChild, to check and test drafts; none does so in this process
	Known *Engine  // where another was started with a package of the same text, it is not compiled again; nil is none

	Observe func(ctx context.Context, action model.Action, outcome model.Outcome, begun time.Time) // is told of every decision when it is made, of an action that the mesh does not know as ""; nil is nobody
}

// Engine holds the policies in force, and what authors and askers want of them
// beside a decision: whether a draft is sound, and why a decision came out so.
type Engine struct {
	core *decide.Engine
	desk *review.Desk
	past *explain.Archive
}

// New compiles the policies. An error of kind Invalid names the file, the line
// and the remedy.
func New(cfg Config) (*Engine, error) {
	t, err := sandbox.ReadTree(cfg.Files)
	if err != nil {
		return nil, err
	}
	var known *decide.Engine
	if cfg.Known != nil {
		known = cfg.Known.core
	}
	e, err := decide.Build(context.Background(), t, known, cfg.Observe)
	if err != nil {
		return nil, err
	}
	return &Engine{core: e, desk: review.NewDesk(e, cfg.Child), past: &explain.Archive{Engine: e}}, nil
}

// Snapshot gives the policies in force. It never changes; whoever answers a
// whole request from one snapshot answers consistently.
func (e *Engine) Snapshot() *decide.Snapshot { return e.core.Snapshot() }

// Activate puts a revision of one package in force and returns its content
// address. A draft without modules returns the package to what the server was
// started with. Until the revision has compiled the old one decides, and an
// error of kind Invalid leaves it so.
func (e *Engine) Activate(ctx context.Context, d sandbox.Draft) (string, error) {
	return e.core.Activate(ctx, d)
}

// Shadow evaluates the draft beside the revision in force for every decision
// about the domain, and tells On of each that comes out otherwise. It changes
// no answer and holds none up: when too many wait, some are not tried. On is
// called from one goroutine at a time. A draft without modules ends the trial.
func (e *Engine) Shadow(ctx context.Context, d sandbox.Draft, on func(q question.Question, active, shadow model.Decision)) error {
	return e.core.Shadow(ctx, d, on)
}

// Decided counts the questions that the rules were asked since the start. What takes
// more of them than its like can be told from it by the time.
func (e *Engine) Decided() int64 { return e.core.Decided() }

// QuarantinedUntil tells until when the domain's rules rest, or last rested, because
// they kept failing; zero when they never did since they came into force.
func (e *Engine) QuarantinedUntil(domain model.Slug) time.Time {
	return e.core.QuarantinedUntil(domain)
}

// QuarantineReason says why the domain's rules rest, or last rested: "they failed
// again and again". It is "" when they never did since they came into force.
func (e *Engine) QuarantineReason(domain model.Slug) string { return e.core.QuarantineReason(domain) }

// Check looks a draft over and lists everything that is wrong with it. Problems
// of severity "error" keep it from going on; the hash is its content address,
// "" when it does not compile.
func (e *Engine) Check(ctx context.Context, d sandbox.Draft) (hash string, problems []model.PolicyProblem) {
	return e.desk.Check(ctx, d)
}

// Test runs the tests of a draft, and everything else that proves it. The error
// tells of a child process that could not be asked; what is wrong with the
// draft stands in the report.
func (e *Engine) Test(ctx context.Context, d sandbox.Draft) (model.PolicyTests, error) {
	return e.desk.Test(ctx, d)
}

// LocksOut reports that under the draft nobody could take rules back any more.
func (e *Engine) LocksOut(ctx context.Context, d sandbox.Draft) bool { return e.desk.LocksOut(ctx, d) }

// Breaches lists what the rules in force answer otherwise than the contract
// accepts. None came into force like that; but a new release of the server may
// bring other guardrails or another contract.
func (e *Engine) Breaches(ctx context.Context) ([]model.PolicyProblem, error) {
	return e.desk.Breaches(ctx)
}

// Assess says what the draft would have decided otherwise: of the logged
// decisions, of the live grants, and of questions made up from the words of
// the rules. Progress is told now and then, from the calling goroutine; its
// total is reached when the work is done. The context ends it.
func (e *Engine) Assess(ctx context.Context, d sandbox.Draft, evidence impact.Evidence, progress func(done, total int)) (model.PolicyImpact, error) {
	return impact.Assess(ctx, e.core, d, evidence, progress)
}

// Explain evaluates a logged decision again, on the modules of the revisions
// that decided, and says of each rule for the action which condition it lacked
// and what somebody could do to be allowed. Modules of revisions that this
// server decides with, or was started with, may be left out; where the right
// ones are missing the rules in force speak, and Faithful says so.
func (e *Engine) Explain(ctx context.Context, record model.DecisionRecord, modules []model.PolicyModule) (model.Explanation, error) {
	return e.past.Explain(ctx, record, modules)
}
