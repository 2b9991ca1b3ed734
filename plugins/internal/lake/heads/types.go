package heads

import (
	"strconv"
	"strings"
	"time"
)

// kinds is the set of what the values of a column look like.
type kinds uint8

const (
	isBool kinds = 1 << iota
	isInteger
	isDecimal
	isDate
	isTimestamp
	isText
	isEmpty
	isNested
)

// kindOf looks at one value of text. A number with a zero in front is text:
// it is a postcode or an article, and a number would lose the zero.
func kindOf(value string) kinds {
	value = strings.TrimSpace(value)
	switch {
	case value == "" || strings.EqualFold(value, "null"):
		return isEmpty
	case strings.EqualFold(value, "true") || strings.EqualFold(value, "false"):
		return isBool
	case len(value) > 40:
		return isText
	}
	digits := strings.TrimPrefix(value, "-")
	if digits != "" && (digits[0] >= '0' && digits[0] <= '9' || digits[0] == '.') {
		return numberOrTime(value, digits)
	}
	return isText
}

func numberOrTime(value, digits string) kinds {
	zeroed := len(digits) > 1 && digits[0] == '0' && digits[1] != '.'
	if _, err := strconv.ParseInt(value, 10, 64); err == nil && !zeroed {
		return isInteger
	}
	if _, err := strconv.ParseFloat(value, 64); err == nil && !zeroed && strings.Trim(value, "0123456789.eE+-") == "" {
		return isDecimal
	}
	if len(value) == 10 {
		if _, err := time.Parse(time.DateOnly, value); err == nil {
			return isDate
		}
	}
	if len(value) >= 16 {
		for _, layout := range []string{time.RFC3339, time.DateTime, "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04", "2006-01-02 15:04"} {
			if _, err := time.Parse(layout, value); err == nil {
				return isTimestamp
			}
		}
	}
	return isText
}

// String names the type that takes every value.
func (k kinds) String() string {
	switch seen := k &^ isEmpty; seen {
	case 0:
		return ""
	case isBool:
		return "boolean"
	case isInteger:
		return "integer"
	case isDecimal, isDecimal | isInteger:
		return "decimal"
	case isDate:
		return "date"
	case isTimestamp, isTimestamp | isDate:
		return "timestamp"
	case isNested:
		return "object"
	default:
		return "string"
	}
}
