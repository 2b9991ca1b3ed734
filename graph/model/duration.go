package model

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	day          = 24 * time.Hour
	durationHint = "write 90d or P90D for days, 36h or PT36H for hours"
	maxDuration  = 64 // letters of one
)

// isoDuration leaves out years and months, whose length depends on the date.
var isoDuration = regexp.MustCompile(`^P(?:(\d{1,4})W)?(?:(\d{1,5})D)?(T(?:(\d{1,6})H)?(?:(\d{1,8})M)?(?:(\d{1,9})S)?)?$`)

// shortDuration is weeks and days before what Go itself reads.
var shortDuration = regexp.MustCompile(`^(?:(\d{1,4})w)?(?:(\d{1,5})d)?((?:\d{1,9}(?:\.\d{1,9})?(?:h|ms|m|s))*)$`)

// ParseDuration reads a length of time as people and programs write it: 90d,
// 2w, 36h, 1d12h, 90s and 250ms, or in ISO 8601 as P90D, P2W, PT36H. A day has
// 24 hours. Anything else, a minus included, is an error of kind Invalid that
// names the field and shows the right form. It is the one reader of durations:
// settings, commands and GraphQL use it.
func ParseDuration(field, text string) (time.Duration, error) {
	wrong := func(message string) error { return Invalid(field, message, durationHint) }
	switch {
	case text == "":
		return 0, wrong("is empty")
	case len(text) > maxDuration:
		return 0, wrong("is no duration")
	case text[0] == 'P':
		return isoParts(text, wrong)
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return 0, wrong("is a number without a unit")
	}
	parts := shortDuration.FindStringSubmatch(text)
	if parts == nil {
		return 0, wrong("is no duration" + flaw(text))
	}
	total, ok := sum(parts[1:3], 7*day, day)
	rest, err := time.ParseDuration("0s" + parts[3])
	if !ok || err != nil || total+rest < total {
		return 0, wrong("is longer than any duration can be")
	}
	return total + rest, nil
}

func isoParts(text string, wrong func(string) error) (time.Duration, error) {
	parts := isoDuration.FindStringSubmatch(text)
	if parts == nil || text == "P" || parts[3] == "T" {
		return 0, wrong("is no duration" + flaw(text))
	}
	date, ok := sum(parts[1:3], 7*day, day)
	clock, fine := sum(parts[4:7], time.Hour, time.Minute, time.Second)
	if !ok || !fine || date+clock < date {
		return 0, wrong("is longer than any duration can be")
	}
	return date + clock, nil
}

// sum adds up counts of the units, each digits or nothing, and says whether it
// fits.
func sum(counts []string, units ...time.Duration) (time.Duration, bool) {
	var total time.Duration
	for i, unit := range units {
		n, _ := strconv.Atoi(counts[i])
		length := time.Duration(n) * unit
		if length/unit != time.Duration(n) || total+length < total {
			return 0, false
		}
		total += length
	}
	return total, true
}

// flaw names the usual reason.
func flaw(text string) string {
	date, _, _ := strings.Cut(text, "T")
	switch {
	case strings.HasPrefix(text, "-"):
		return ": it must not be negative"
	case text[0] == 'P' && strings.ContainsAny(date, "YM"), strings.ContainsAny(text, "yM") && text[0] != 'P':
		return ": years and months differ in length"
	}
	return ""
}

// FormatDuration writes days, hours, minutes and whole seconds in ISO 8601.
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
	writeClock(&b, rest)
	return b.String()
}

// writeClock adds what a day is not full of.
func writeClock(b *strings.Builder, d time.Duration) {
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
