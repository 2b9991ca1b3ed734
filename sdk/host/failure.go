package host

import (
	"fmt"
	"time"

	"github.com/souk-mesh/souk/sdk"
)

// Whose fault a failure is, and so who must act.
const (
	FaultConfig = "config" // who set the source or the plugin folder up
	FaultSource = "source" // who runs the system that is harvested
	FaultPlugin = "plugin" // the plugin's author
	FaultHost   = "host"   // Souk and the machine it runs on
)

// Failure is why a plugin could not be launched or a call to it did not end
// well, in words for a person. Every error of this package is one.
type Failure struct { //nolint:errname // the word that runs, the API and people use
	Class      sdk.Class     // decides whether to try again
	Fault      string        // one of the Fault constants
	Code       string        // stable, such as "panic" or "postgres.no_usage"
	Field      string        // the configuration field at fault
	Message    string        // a sentence; never holds a secret
	Fix        string        // what to do
	RetryAfter time.Duration // for sdk.ClassThrottled
	Stderr     []string      // the plugin's last lines, secrets struck out
	Err        error         // the cause, where it lies on this side of the pipe
}

// Error is the message with the field.
func (f *Failure) Error() string {
	if f.Field != "" {
		return f.Field + ": " + f.Message
	}
	return f.Message
}

// Unwrap gives the cause.
func (f *Failure) Unwrap() error { return f.Err }

func faultOf(class sdk.Class) string {
	switch class {
	case sdk.ClassConfig:
		return FaultConfig
	case sdk.ClassAuth, sdk.ClassDenied, sdk.ClassThrottled, sdk.ClassUnavailable:
		return FaultSource
	default:
		return FaultPlugin
	}
}

// misconfigured is a failure of whoever set the plugin up.
func misconfigured(code, message, fix string, err error) *Failure {
	return &Failure{Class: sdk.ClassConfig, Fault: FaultConfig, Code: code, Message: message, Fix: fix, Err: err}
}

// broken is a failure of the plugin itself.
func broken(code, message, fix string) *Failure {
	return &Failure{Class: sdk.ClassInternal, Fault: FaultPlugin, Code: code, Message: message, Fix: fix}
}

// ours is a failure on this side of the pipe.
func ours(code, message, fix string, err error) *Failure {
	return &Failure{Class: sdk.ClassInternal, Fault: FaultHost, Code: code, Message: message, Fix: fix, Err: err}
}

const reportIt = "report it to the author of the plugin with the last lines of the run"

func protocolError(format string, args ...any) *Failure {
	return broken("protocol", "the plugin breaks the protocol: "+fmt.Sprintf(format, args...), reportIt)
}
