package review

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"strings"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk/host/process"
	"github.com/souk-mesh/souk/server/policy/internal/decide"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// The bounds of a child process.
const (
	childTime   = time.Minute
	childAnswer = 4 << 20   // bytes
	childTalk   = 4 << 10   // bytes of what it complains about
	childHeap   = 256 << 20 // that its collector aims at
)

// What a parent asks of its child.
const (
	taskCheck = "check"
	taskTest  = "test"
)

// childTask is one request of a parent's.
type childTask struct {
	Task  string            `json:"task"`
	Draft sandbox.Draft     `json:"draft"`
	Files map[string]string `json:"files"` // what the draft meets: the library, the platform's rules, the template, the standards
}

// answer is what the child says of the draft. Whatever else goes wrong ends it.
type answer struct {
	Hash     string                `json:"hash,omitempty"`
	Problems []model.PolicyProblem `json:"problems,omitempty"`
	Tests    model.PolicyTests     `json:"tests"`
}

// errChild tells of a child that was ended or ended itself.
var errChild = errors.New("the process that tried the rules was ended")

// Test runs the tests of a draft, and everything else that proves it, in a
// child process. The error tells of a child that could not be asked; what is
// wrong with the draft stands in the report.
func (e *Desk) Test(ctx context.Context, d sandbox.Draft) (model.PolicyTests, error) {
	ctx, cancel := context.WithTimeout(ctx, childTime)
	defer cancel()
	if len(e.child) == 0 {
		return e.prove(ctx, d)
	}
	found, err := e.send(ctx, childTask{Task: taskTest, Draft: d})
	if errors.Is(err, errChild) {
		return model.PolicyTests{Failures: []model.PolicyProblem{childFailed(err)}}, nil
	}
	if err == nil && d.Domain == "" && found.Tests.OK() { // the child knows no domain's rules
		var breached []model.PolicyProblem
		breached, err = e.keepsForOthers(ctx, d)
		found.Tests.Failures = append(found.Tests.Failures, breached...)
	}
	return found.Tests, err
}

// childFailed tells the author of a child that did not survive the draft.
func childFailed(err error) model.PolicyProblem {
	return model.PolicyProblem{
		Severity: sandbox.SeverityError, Code: "policy.too_expensive", Message: err.Error(),
		Fix: "look for a rule or a test that takes too much time or memory",
	}
}

// send has a child do the childTask.
func (e *Desk) send(ctx context.Context, a childTask) (answer, error) {
	select {
	case e.slots <- struct{}{}:
		defer func() { <-e.slots }()
	case <-ctx.Done():
		return answer{}, fmt.Errorf("wait for a process to try the rules in: %w", ctx.Err())
	}
	limited, cancel := context.WithTimeout(ctx, childTime)
	defer cancel()
	a.Files = e.surroundings(a.Task)
	request, err := json.Marshal(a)
	if err != nil {
		return answer{}, fmt.Errorf("write the childTask: %w", err)
	}
	out, err := runChild(limited, e.child, request)
	switch {
	case ctx.Err() != nil:
		return answer{}, fmt.Errorf("try the rules: %w", ctx.Err())
	case err != nil:
		return answer{}, err
	}
	var found answer
	if err := json.Unmarshal(out, &found); err != nil {
		return answer{}, fmt.Errorf("%w: its answer cannot be read", errChild)
	}
	return found, nil
}

// surroundings are the files that a draft is compiled and tried with. A check
// compiles it beside the library alone.
func (e *Desk) surroundings(task string) map[string]string {
	s := e.Snapshot()
	files := maps.Clone(e.Library().Modules)
	if task == taskCheck {
		return files
	}
	packages := []*decide.Package{s.Platform(), s.Template(), s.CompanyStandards(), e.Contract()}
	for _, p := range packages {
		if p != nil {
			maps.Copy(files, p.Modules)
		}
	}
	return files
}

// runChild starts the command with nothing of this process's environment, and
// gives what it says.
func runChild(ctx context.Context, command []string, request []byte) ([]byte, error) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	out := process.NewBounded(childAnswer, func() { end(fmt.Errorf("it answered more than %d MiB", childAnswer>>20)) })
	talk := process.NewBounded(childTalk, nil)
	child, err := process.Start(process.Config{
		Command: func() *exec.Cmd {
			return &exec.Cmd{
				Path: command[0], Args: command, Env: []string{fmt.Sprintf("GOMEMLIMIT=%d", childHeap)},
				Stdin: bytes.NewReader(request), Stdout: out, Stderr: talk, WaitDelay: time.Second,
			}
		},
		Limits: process.Limits{MemoryBytes: process.DefaultMemory, CPUSeconds: uint64(childTime.Seconds())},
	})
	if err != nil {
		return nil, fmt.Errorf("start the process that tries rules: %w", err)
	}
	if err := child.Wait(ctx); err != nil || ctx.Err() != nil {
		return nil, fmt.Errorf("%w: %s", errChild, whyEnded(ctx, err, string(talk.Bytes())))
	}
	return out.Bytes(), nil
}

func whyEnded(ctx context.Context, err error, talk string) string {
	first, _, _ := strings.Cut(talk, "\n")
	switch {
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return fmt.Sprintf("it took longer than %v", childTime)
	case ctx.Err() != nil:
		return context.Cause(ctx).Error()
	case strings.Contains(talk, "out of memory") || strings.Contains(talk, "cannot allocate memory"):
		return fmt.Sprintf("it wanted more than %d MiB of memory", process.DefaultMemory>>20)
	case first != "":
		return first
	}
	return err.Error()
}

// ServeChild answers the one request of a parent's and gives the exit status.
// The parent has bounded the process, in which nothing else runs.
func ServeChild(in io.Reader, out io.Writer) int {
	var a childTask
	if json.NewDecoder(in).Decode(&a) != nil {
		return 2
	}
	found, err := a.run(context.Background())
	if err != nil || json.NewEncoder(out).Encode(found) != nil {
		return 1
	}
	return 0
}

// run does the childTask in this process, among the parent's policies.
func (a childTask) run(ctx context.Context) (answer, error) {
	t := sandbox.Tree{}
	for file, text := range a.Files {
		if err := t.Put(file, text); err != nil {
			return answer{}, err
		}
	}
	core, err := decide.Build(ctx, t, nil, nil)
	if err != nil {
		return answer{}, err
	}
	e := NewDesk(core, nil)
	var found answer
	switch a.Task {
	case taskCheck:
		found.Hash, found.Problems = e.check(ctx, a.Draft)
	case taskTest:
		found.Tests, err = e.prove(ctx, a.Draft)
	default:
		err = errors.New("no such task")
	}
	return found, err
}
