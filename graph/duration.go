package graph

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/souk-mesh/souk/graph/model"
)

const day = 24 * time.Hour

// isoDuration leaves out years and months, whose length depends on the date.
var isoDuration = regexp.MustCompile(`^P(?:(\d{1,4})W)?(?:(\d{1,5})D)?(T(?:(\d{1,6})H)?(?:(\d{1,8})M)?(?:(\d{1,9})S)?)?$`)

// MarshalDuration writes a length of time in ISO 8601; none is null.
func MarshalDuration(d time.Duration) graphql.Marshaler {
	if d == 0 {
		return graphql.Null
	}
	return graphql.MarshalString(FormatDuration(d))
}

// UnmarshalDuration reads a length of time in ISO 8601.
func UnmarshalDuration(v any) (time.Duration, error) {
	text, ok := v.(string)
	if !ok {
		return 0, model.Invalid("", "is no string", "write days as P30D and hours as PT1H")
	}
	return ParseDuration(text)
}

// FormatDuration writes days, hours, minutes and whole seconds.
func FormatDuration(d time.Duration) string {
	var b strings.Builder
	if d < 0 {
		b.WriteByte('-')
		d = -d
	}
	b.WriteByte('P')
	days, rest := d/day, d%day
	if days > 0 {
		fmt.Fprintf(&b, "%dD", days)
	}
	if days == 0 && rest < time.Second {
		return b.String() + "T0S"
	}
	writeTime(&b, rest)
	return b.String()
}

// writeTime adds what a day is not full of.
func writeTime(b *strings.Builder, d time.Duration) {
	if d < time.Second {
		return
	}
	b.WriteByte('T')
	for _, unit := range []struct {
		length time.Duration
		letter byte
	}{{time.Hour, 'H'}, {time.Minute, 'M'}, {time.Second, 'S'}} {
		if n := d / unit.length; n > 0 {
			fmt.Fprintf(b, "%d%c", n, unit.letter)
		}
		d %= unit.length
	}
}

// ParseDuration reads weeks, days, hours, minutes and whole seconds, up to
// some 290 years. Anything else is an error of kind Invalid.
func ParseDuration(text string) (time.Duration, error) {
	parts := isoDuration.FindStringSubmatch(text)
	if parts == nil || text == "P" || parts[3] == "T" {
		return 0, model.Invalid("", "is no ISO 8601 duration", "write days as P30D and hours as PT1H, without years and months")
	}
	var total time.Duration
	for i, unit := range map[int]time.Duration{1: 7 * day, 2: day, 4: time.Hour, 5: time.Minute, 6: time.Second} {
		n, _ := strconv.Atoi(parts[i]) // digits or nothing
		length := time.Duration(n) * unit
		if length/unit != time.Duration(n) || total+length < total {
			return 0, model.Invalid("", "is longer than any duration can be", "write a shorter one, such as P30D")
		}
		total += length
	}
	return total, nil
}
