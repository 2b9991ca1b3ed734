package model

import (
	"errors"
	"fmt"
)

// ErrorKind tells a caller what to do about an error.
type ErrorKind string

// The kinds of error, the same at every door.
const (
	KindInvalid         ErrorKind = "BAD_USER_INPUT"
	KindBadCursor       ErrorKind = "BAD_CURSOR"
	KindNotFound        ErrorKind = "NOT_FOUND"
	KindConflict        ErrorKind = "CONFLICT"
	KindUnauthenticated ErrorKind = "UNAUTHENTICATED"
	KindDenied          ErrorKind = "FORBIDDEN"
	KindUnavailable     ErrorKind = "UNAVAILABLE"
	KindInternal        ErrorKind = "INTERNAL"
)

// CodeReadsOnly is the code of errors while a server reads only, because what
// it would change could not be stored, or not be logged.
const CodeReadsOnly = "READS_ONLY"

// The codes of the conflicts that a program can settle by itself.
const (
	// CodeStale: somebody else changed or removed the record after it was read.
	// Read it again and repeat the change.
	CodeStale = "STALE"

	// CodeExists: there is a record already of this id, or of this name where
	// names are given once. Change that one, or choose another name.
	CodeExists = "EXISTS"
)

// Error is what a service returns when it cannot do what was asked. Message
// and Hint are for people; Kind and Code are for programs and never change.
type Error struct {
	Kind    ErrorKind
	Code    string    // finer than Kind when a program can use it; "" means the Kind itself
	Field   string    // the input at fault, as the caller knows it: "input.name"
	Message string    // what is wrong
	Hint    string    // what to do about it
	ID      ID        // of what there is none of, when Kind is KindNotFound and it was named
	Denial  *Decision // the refusal, when Kind is KindDenied
	Err     error
}

// Error joins the field, the message and the hint into one line.
func (e *Error) Error() string {
	text := e.Message
	if e.Field != "" {
		text = e.Field + ": " + text
	}
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// StableCode is the word a program may switch on.
func (e *Error) StableCode() string {
	if e.Code != "" {
		return e.Code
	}
	return string(e.Kind)
}

// Invalid reports input that its sender can mend.
func Invalid(field, message, hint string) *Error {
	return &Error{Kind: KindInvalid, Field: field, Message: message, Hint: hint}
}

// NotFound reports an absent record, or one that the caller may not know of.
// What is too long for an id is cut, so that an answer never echoes a novel.
func NotFound(noun string, id ID) *Error {
	told := id
	if len(id) > maxEcho {
		told = id[:maxEcho] + "..."
	}
	return &Error{Kind: KindNotFound, ID: id, Message: fmt.Sprintf("no %s %q", noun, told)}
}

const maxEcho = 64

// Conflict reports what cannot be done with the record as it stands, such as a
// step that comes at the wrong stage of its life.
func Conflict(field, message, hint string) *Error {
	return &Error{Kind: KindConflict, Field: field, Message: message, Hint: hint}
}

// Stale is the conflict of a change to a record that is no longer as it was read.
func Stale(field, message, hint string) *Error {
	return &Error{Kind: KindConflict, Code: CodeStale, Field: field, Message: message, Hint: hint}
}

// Exists is the conflict of a record beside one that has its id or its name.
func Exists(field, message, hint string) *Error {
	return &Error{Kind: KindConflict, Code: CodeExists, Field: field, Message: message, Hint: hint}
}

// Denied wraps a refusal for callers that cannot go on without the permission.
func Denied(d Decision) *Error {
	message := "the policy does not allow this"
	if len(d.Reasons) > 0 {
		message = d.Reasons[0].Message
	}
	return &Error{Kind: KindDenied, Message: message, Denial: &d}
}

// KindOf gives the kind of err; an error of nobody's making is internal.
func KindOf(err error) ErrorKind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return KindInternal
}

// Is reports whether err is of the kind.
func Is(err error, kind ErrorKind) bool { return err != nil && KindOf(err) == kind }

// HasCode reports whether err carries the finer code.
func HasCode(err error, code string) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == code
}

// LostRace reports a write that came second: what it goes by has changed or
// come to be meanwhile. Made again from a fresh reading it may succeed.
func LostRace(err error) bool { return HasCode(err, CodeStale) || HasCode(err, CodeExists) }
