package httpd

import (
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// The codes of the door. They are part of the API: documented, tested, never renamed.
const (
	CodeBadRequest     = "BAD_REQUEST"
	CodeMethod         = "METHOD_NOT_ALLOWED"
	CodeMediaType      = "UNSUPPORTED_MEDIA_TYPE"
	CodeNotAcceptable  = "NOT_ACCEPTABLE"
	CodeBodyTooLarge   = "BODY_TOO_LARGE"
	CodeParse          = "GRAPHQL_PARSE_FAILED"
	CodeValidation     = "GRAPHQL_VALIDATION_FAILED"
	CodeInput          = "BAD_USER_INPUT"
	CodeTokens         = "TOKEN_LIMIT_EXCEEDED" //nolint:gosec // a code, not a credential
	CodeRepeats        = "REPEAT_LIMIT_EXCEEDED"
	CodeDepth          = "DEPTH_LIMIT_EXCEEDED"
	CodeAliases        = "ALIAS_LIMIT_EXCEEDED"
	CodeRootFields     = "ROOT_FIELD_LIMIT_EXCEEDED"
	CodeComplexity     = "COMPLEXITY_LIMIT_EXCEEDED"
	CodeTimeout        = "TIMEOUT"
	CodeTooManyStreams = "TOO_MANY_STREAMS"
	CodeInternal       = "INTERNAL"
)

const (
	maxErrors  = 20  // of one document; the rest would say the same
	maxMessage = 400 // bytes; the parser quotes words of any length
)

// refusal is a request that was not executed. Its status is the one of the
// modern media type; under application/json a document at fault answers 200.
type refusal struct {
	status   int
	code     string
	document bool // the HTTP request was sound, the document in it was not
	errors   gqlerror.List
}

func refuse(status int, code, format string, args ...any) *refusal {
	return &refusal{status: status, code: code, errors: gqlerror.List{
		{Message: fmt.Sprintf(format, args...), Extensions: map[string]any{"code": code}},
	}}
}

func refuseDocument(code, format string, args ...any) *refusal {
	r := refuse(http.StatusBadRequest, code, format, args...)
	r.document = true
	return r
}

// refuseErrors wraps what the parser or the validator found, with bounds on
// how much of the sender's own text goes back.
func refuseErrors(code string, list gqlerror.List) *refusal {
	r := &refusal{status: http.StatusBadRequest, code: code, document: true}
	for i, e := range list {
		if i == maxErrors {
			break
		}
		r.errors = append(r.errors, &gqlerror.Error{
			Message: clip(e.Message), Path: e.Path, Locations: e.Locations, Extensions: map[string]any{"code": code},
		})
	}
	return r
}

func clip(text string) string {
	if len(text) <= maxMessage {
		return text
	}
	cut := maxMessage
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "..."
}
