package graph

import (
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/souk-mesh/souk/graph/model"
)

const dateTimeHint = "write a moment such as \"2026-11-25T09:30:00Z\", or a day such as \"2026-11-25\", which begins at midnight UTC"

// MarshalDateTime writes a moment; none is null.
func MarshalDateTime(t time.Time) graphql.Marshaler { return graphql.MarshalTime(t) }

// UnmarshalDateTime reads a moment with its zone, or a plain day, in UTC and
// cut to the millisecond. Anything else is an error of kind Invalid.
func UnmarshalDateTime(v any) (time.Time, error) {
	text, ok := v.(string)
	if !ok {
		return time.Time{}, model.Invalid("", "is no string", dateTimeHint)
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() > 0 {
			return t.UTC().Truncate(time.Millisecond), nil
		}
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04"} {
		if _, err := time.Parse(layout, text); err == nil {
			return time.Time{}, model.Invalid("", "is a time without a zone", dateTimeHint)
		}
	}
	return time.Time{}, model.Invalid("", "is no moment", dateTimeHint)
}

// CheckScalar reports a value that the scalar of the name cannot be, before
// anything is executed. Every error is of kind Invalid and shows the right form.
func CheckScalar(name string, v any) (err error) {
	switch name {
	case "DateTime":
		_, err = UnmarshalDateTime(v)
	case "Duration":
		_, err = UnmarshalDuration(v)
	case "Int64":
		if _, wrong := graphql.UnmarshalInt64(v); wrong != nil || isText(v) {
			err = model.Invalid("", "is no whole number of 64 bits", "write a number such as 9007199254740993, without quotes")
		}
	case "JSON":
		_, err = UnmarshalJSON(v)
	case "Slug":
		err = text(v, "a name such as \"sales\"")
	case "Action":
		err = text(v, "an action such as \"data.read\"")
	case "SecretRef":
		err = text(v, "a reference such as \"env:SOUK_SECRET_SHOP\" or \"file:shop\"")
	}
	return err
}

func isText(v any) bool {
	_, ok := v.(string)
	return ok
}

func text(v any, form string) error {
	if isText(v) {
		return nil
	}
	return model.Invalid("", "is no string", "write "+form)
}
