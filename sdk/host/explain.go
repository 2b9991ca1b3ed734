package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/internal/report"
	"github.com/souk-mesh/souk/sdk/internal/secret"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// cancelled is the failure of a call whose caller gave up. The cause tells a
// cancel from a deadline.
func cancelled(err error) *Failure {
	f := ours("cancelled", "the run was cancelled", "start it again", err)
	if errors.Is(err, context.DeadlineExceeded) {
		f.Code, f.Message = "deadline", "the run did not end within the time that it was given"
	}
	return f
}

// asFailure gives the failure that the error is or holds.
func asFailure(err error) *Failure {
	if f, ok := errors.AsType[*Failure](err); ok {
		return f
	}
	return ours("internal", "the plugin could not be launched: "+err.Error(), "look into the server's log", err)
}

// explain says why a call did not end well.
func (c *call) explain(err error) *Failure {
	p := c.process
	p.failed = true
	f := c.cause(err)
	f.Stderr = p.output.last()
	return f
}

func (c *call) cause(err error) *Failure {
	var deadline *Failure
	switch {
	case c.codec.problem != nil:
		return c.codec.problem
	case c.caller.Err() != nil:
		return cancelled(context.Cause(c.caller))
	case errors.As(context.Cause(c.ctx), &deadline):
		return deadline
	}
	if f, own := errors.AsType[*Failure](err); own {
		return f
	}
	if f := reported(err, c.process.output); f != nil {
		return f
	}
	// The pipe breaks a little before the process is found to have ended.
	soon := 50 * time.Millisecond
	if status.Code(err) == codes.Unavailable {
		soon = time.Second
	}
	if c.process.child.exitedWithin(soon) {
		return c.process.explainExit("in the middle of its work")
	}
	return explainStatus(status.Convert(err))
}

// reported gives the failure that the plugin itself reports.
func reported(err error, o *output) *Failure {
	for _, detail := range status.Convert(err).Details() {
		d, ok := detail.(*harvestv1.Failure)
		if !ok {
			continue
		}
		class := classOf(d.GetClass())
		return &Failure{
			Class: class, Fault: faultOf(class), Code: cmp.Or(report.Clip(o.strike(d.GetCode())), "unknown"), Field: report.Clip(o.strike(d.GetField())),
			Message:    cmp.Or(report.Clip(o.strike(d.GetMessage())), "the plugin reports a failure without a word"),
			Fix:        cmp.Or(report.Clip(o.strike(d.GetFix())), reportIt),
			RetryAfter: time.Duration(max(d.GetRetryAfterMs(), 0)) * time.Millisecond,
		}
	}
	return nil
}

// classOf takes a class that this host does not know for the plugin's own fault.
func classOf(text string) sdk.Class {
	known := []sdk.Class{sdk.ClassConfig, sdk.ClassAuth, sdk.ClassDenied, sdk.ClassThrottled, sdk.ClassUnavailable, sdk.ClassInternal}
	if slices.Contains(known, sdk.Class(text)) {
		return sdk.Class(text)
	}
	return sdk.ClassInternal
}

func explainStatus(s *status.Status) *Failure {
	switch s.Code() {
	case codes.ResourceExhausted:
		return broken("message_too_large", "the plugin sends a message that is larger than the limit", reportIt)
	case codes.Unimplemented:
		return protocolError("it does not know a call that every plugin must answer")
	case codes.Unavailable:
		return broken("connection_lost", "the connection to the plugin was lost although it still runs", reportIt)
	default:
		return protocolError("it answers with the bare status %s", s.Code())
	}
}

// badRecord is the failure of a plugin whose record the host refuses.
func badRecord(err error, set secret.Set) *Failure {
	f := broken("bad_record", "the plugin sends a record that is wrong: "+report.Clip(set.Strike(err.Error())), reportIt)
	if e, ok := errors.AsType[*sdk.Error](err); ok {
		f.Fix = "report it to the author of the plugin: " + e.Fix
	}
	return f
}

// explainExit says why the process ended, from its exit status, what it used
// and the line with which its runtime gave up.
func (p *Process) explainExit(when string) *Failure {
	state := p.child.process.State()
	p.child.drain()
	verdict := p.output.gaveUp()
	switch {
	case p.outOfMemory(verdict):
		return broken("memory_limit", fmt.Sprintf("the plugin needed more memory than the %d MiB that it may have", p.limits.MemoryBytes>>20),
			"harvest a part of the source, such as some schemas; if the source is small, "+reportIt)
	case p.outOfCPU(state):
		return broken("cpu_limit", fmt.Sprintf("the plugin used more than the %d s of processor time that it may use", p.limits.CPUSeconds),
			"harvest a part of the source, such as some schemas; if the source is small, "+reportIt)
	case strings.HasPrefix(verdict, "panic: "):
		return broken("panic", "the plugin panicked "+when+": "+report.Clip(strings.TrimPrefix(verdict, "panic: ")), reportIt)
	case verdict != "":
		return broken("crash", "the plugin crashed "+when+": "+report.Clip(verdict), reportIt)
	case signalled(state):
		return ours("killed", "the plugin was killed from outside "+when+": "+state.String(),
			"look into the kernel's log whether the machine is short of memory, and try again", nil)
	default:
		return broken("exit", "the plugin ended "+when+" with "+state.String(), reportIt)
	}
}

// outOfMemory looks for the words in which runtimes say that they got no memory.
func (p *Process) outOfMemory(verdict string) bool {
	words := []string{"out of memory", "cannot allocate memory", "MemoryError", "std::bad_alloc", "Cannot allocate memory", "heap out of memory"}
	said := func(line string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(line, w) })
	}
	return said(verdict) || verdict == "" && slices.ContainsFunc(p.output.last(), said)
}

// outOfCPU compares what the process used with its limit: the kernel's signal
// looks like any other.
func (p *Process) outOfCPU(state *os.ProcessState) bool {
	if !signalled(state) {
		return false
	}
	return (state.UserTime() + state.SystemTime()).Seconds() >= float64(p.limits.CPUSeconds)
}

func signalled(state *os.ProcessState) bool { return state.ExitCode() < 0 }

// explainStart says why there was no handshake.
func (p *Process) explainStart(err error) *Failure {
	f := p.startCause(err)
	f.Stderr = p.output.last()
	return f
}

func (p *Process) startCause(err error) *Failure {
	if p.child == nil || p.child.process == nil {
		return misconfigured("no_executable", "the plugin cannot be started: "+err.Error(), "see that the file is an executable for this machine", err)
	}
	line, greeted := p.child.firstLine(), p.child.greetedLate()
	switch {
	case errors.Is(err, errStartTimeout):
		return broken("start_timeout", "the plugin has not shaken hands within "+p.limits.Start.String(), "try again when the machine is less busy; if it stays, "+reportIt)
	case line == "" && !p.child.wasKilled():
		return p.explainEarlyExit()
	case greeted:
		return broken("text_before_handshake", fmt.Sprintf("the plugin prints %.80q to its standard output before the handshake", line),
			"report it to the author of the plugin: nothing of it, nor of its libraries, may print to standard output")
	case !isHandshake(line):
		return misconfigured("not_a_plugin", fmt.Sprintf("the executable is no plugin: it answers %.80q", line), "take it out of the plugin folder, and see that the right file is pinned", err)
	case strings.Contains(err.Error(), "incompatible"):
		return misconfigured("version", fmt.Sprintf("the plugin does not speak version %d of the protocol", harvestv1.Version), "install a release of the plugin that was built for this Souk", err)
	default:
		f := protocolError("its handshake is wrong")
		f.Err = err
		return f
	}
}

// explainEarlyExit is for a process that ended without a word on its standard output.
func (p *Process) explainEarlyExit() *Failure {
	f := p.explainExit("before the handshake")
	if f.Code == "exit" {
		f = misconfigured("not_a_plugin", f.Message+": it is no plugin, or lacks something that it needs", "look at the last lines of the plugin, and see that the right file is pinned", nil)
	}
	return f
}

var errStartTimeout = errors.New("the handshake took too long")
