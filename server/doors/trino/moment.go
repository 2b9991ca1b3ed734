package trino

import (
	"regexp"
	"time"
)

// Times in obligations are written as RFC 3339 wants them: 2024-01-31, or
// 2024-01-31T09:30:00.5Z with Z or an offset. One without a zone is meant in
// UTC, and so is what a column without a zone holds. Nothing that is written
// for Trino hangs on the zone of the reader's session.
var (
	dateShape   = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
	momentShape = regexp.MustCompile(`^([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]([0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?)(Z|[+-][0-9]{2}:[0-9]{2})?$`)
	timeShape   = regexp.MustCompile(`^[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?$`)
)

// moment reads a time, or a day as its first moment.
func moment(value string) (at time.Time, day, ok bool) {
	if dateShape.MatchString(value) {
		at, err := time.Parse(time.DateOnly, value)
		return at, true, err == nil
	}
	m := momentShape.FindStringSubmatch(value)
	if m == nil {
		return at, false, false
	}
	zone := m[3]
	if zone == "" {
		zone = "Z"
	}
	at, err := time.Parse(time.RFC3339Nano, m[1]+"T"+m[2]+zone)
	return at.UTC(), false, err == nil
}

// timeLiteral writes a time as a column of the class compares it. A day is
// compared with a moment as its first moment: Trino widens the column by itself.
func timeLiteral(value, class string) (string, bool) {
	if class == "time" || class == "timetz" {
		_, err := time.Parse("15:04:05", value)
		return "TIME '" + value + "'", class == "time" && err == nil && timeShape.MatchString(value)
	}
	at, day, ok := moment(value)
	if !ok || at.Year() < 1 || at.Year() > 9999 {
		return "", false
	}
	midnight := at.Equal(at.Truncate(24 * time.Hour))
	text := at.Format("2006-01-02 15:04:05.999999999")
	switch {
	case class == "date" && (day || midnight):
		return "DATE '" + at.Format(time.DateOnly) + "'", true
	case class == "timestamptz":
		return "TIMESTAMP '" + text + " UTC'", true
	}
	return "TIMESTAMP '" + text + "'", true
}
