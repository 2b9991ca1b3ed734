package sdk

import (
	"bytes"
	"context"
	"log/slog"
	"runtime/debug"
)

// guard runs a call into the author's code and turns a panic into an error.
// The stack goes to the log: it is for the author, not for the operator.
func guard(log *slog.Logger, call func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			log.Error("the plugin panicked", slog.Any("cause", cause), slog.String("stack", topOf(debug.Stack())))
			err = &Error{
				Class: ClassInternal, Code: "panic", Message: "the plugin panicked",
				Fix: "report it to the author of the plugin with the log of the run",
			}
		}
	}()
	return call()
}

// topOf keeps the first lines of a stack, which name the culprit.
func topOf(stack []byte) string {
	const lines = 24
	parts := bytes.SplitAfterN(stack, []byte("\n"), lines+1)
	if len(parts) > lines {
		parts = parts[:lines]
	}
	return string(bytes.Join(parts, nil))
}

// logCause writes the cause of an error that does not travel to the log.
func logCause(ctx context.Context, log *slog.Logger, e *Error) {
	if e.Err != nil {
		log.ErrorContext(ctx, "the run failed", slog.String("code", e.Code), slog.String("cause", e.Err.Error()))
	}
}
