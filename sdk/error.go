package sdk

import "time"

// Class says whose fault an error is, and so who must act and whether to retry.
type Class string

// The classes.
const (
	ClassConfig      Class = "config"      // the configuration is wrong: never retried
	ClassAuth        Class = "auth"        // the credentials are refused: never retried
	ClassDenied      Class = "denied"      // a right is missing: never retried
	ClassThrottled   Class = "throttled"   // too fast: retried after a while
	ClassUnavailable Class = "unavailable" // the source is down or unreachable: retried
	ClassInternal    Class = "internal"    // the plugin's own fault
)

// Error is an error that says what a person can do about it.
type Error struct {
	Class      Class
	Code       string        // stable, such as "postgres.no_usage"
	Field      string        // the configuration field at fault
	Message    string        // never holds a secret
	Fix        string        // what to do
	RetryAfter time.Duration // for ClassThrottled
	Err        error         // the cause, for the log; its text is not sent to the host
}

// Error is the message with its field.
func (e *Error) Error() string {
	if e.Field != "" {
		return e.Field + ": " + e.Message
	}
	return e.Message
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Config reports a wrong configuration field.
func Config(field, message, fix string) *Error {
	return &Error{Class: ClassConfig, Code: "config", Field: field, Message: message, Fix: fix}
}

// Auth reports refused credentials.
func Auth(message, fix string) *Error {
	return &Error{Class: ClassAuth, Code: "auth", Message: message, Fix: fix}
}

// Denied reports a missing right.
func Denied(message, fix string) *Error {
	return &Error{Class: ClassDenied, Code: "denied", Message: message, Fix: fix}
}

// Throttled reports a source that has had enough for now, and when it wants to
// be asked again; zero where it does not say.
func Throttled(message, fix string, retryAfter time.Duration) *Error {
	return &Error{Class: ClassThrottled, Code: "throttled", Message: message, Fix: fix, RetryAfter: retryAfter}
}

// Unavailable reports a source that cannot be reached now.
func Unavailable(message, fix string, err error) *Error {
	return &Error{Class: ClassUnavailable, Code: "unavailable", Message: message, Fix: fix, Err: err}
}
