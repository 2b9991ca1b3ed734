package harvest

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
)

// Why a run is ended from outside.
var (
	errCancelled = errors.New("the run was cancelled")
	errClosed    = errors.New("the server was stopped during the run")
	errLost      = errors.New("the run was ended by another server")
)

// failureOf tells why a run or a check failed in words that may be kept. What
// broke inside the server is told to the log and not to the reader.
func (s *Service) failureOf(ctx context.Context, err error) *model.Failure {
	if errors.Is(err, errClosed) {
		return interrupted("the server was stopped during the run")
	}
	f, fromHost := errors.AsType[*host.Failure](err)
	own := !fromHost || f.Code == "not_kept" // the host carries an error of ours on as its own
	if own {
		s.log.ErrorContext(ctx, "a harvest could not be kept", slog.Any("error", err))
		return &model.Failure{Fault: model.FaultHost, Code: "not_kept", Message: "what the plugin found could not be kept", Fix: "look into the server's log, and start the run again"}
	}
	message := f.Message
	if f.Field != "" {
		message = f.Field + ": " + message
	}
	return &model.Failure{Fault: faultOf(f.Fault), Code: f.Code, Message: clip(message, maxText), Fix: clip(f.Fix, maxText)}
}

// codeInterrupted marks a run that ended with its server.
const codeInterrupted = "interrupted"

func interrupted(message string) *model.Failure {
	return &model.Failure{Fault: model.FaultHost, Code: codeInterrupted, Message: message, Fix: "start the run again; it goes on from its last checkpoint, if there is one"}
}

func faultOf(fault string) model.Fault {
	return model.Fault(cmp.Or(strings.ToUpper(fault), string(model.FaultHost)))
}

// passing reports a failure that may be over in a while.
func passing(err error) (*host.Failure, bool) {
	f, ok := errors.AsType[*host.Failure](err)
	if !ok || (f.Class != sdk.ClassUnavailable && f.Class != sdk.ClassThrottled) {
		return nil, false
	}
	return f, true
}
