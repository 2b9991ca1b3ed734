package mysql

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/souk-mesh/souk/plugins/internal/sqlgrant"
	"github.com/souk-mesh/souk/sdk"
)

// What a view shows must not hang on anything that its reader can set: the mode
// of SQL, the time zone, how letters compare. So texts are compared by their bytes,
// times of the world by their second, and numbers with numbers alone.

func (c grantColumn) isText() bool {
	switch c.Data {
	case "char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set", "json":
		return true
	}
	return false
}

// text is the column without the blanks that PAD_CHAR_TO_FULL_LENGTH would add.
func (c grantColumn) text() string {
	if c.Data == "char" {
		return "TRIM(TRAILING ' ' FROM " + quote(c.Name) + ")"
	}
	return quote(c.Name)
}

// mask is the expression in the place of a column, of its type where nothing is shown.
func (c grantColumn) mask(with string) string {
	name, text := quote(c.Name), c.text()
	switch {
	case with == "hash" && c.isText():
		return fmt.Sprintf("UPPER(SHA2(CONVERT(%s USING utf8mb4), 256)) AS %s", text, name)
	case with == "partial" && c.isText():
		return fmt.Sprintf("CASE WHEN CHAR_LENGTH(%s) > 8 THEN CONCAT('****', RIGHT(%s, 4)) WHEN %s IS NOT NULL THEN '****' END AS %s", text, text, name, name)
	}
	return fmt.Sprintf("CASE WHEN FALSE THEN %s END AS %s", name, name)
}

var (
	number = regexp.MustCompile(`^[+-]?[0-9]{1,65}(\.[0-9]{1,38})?$`)
	moment = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?)?$`)
)

// compare writes what a filter says. Nothing else is ever written.
func (st *state) compare(field, sign string, values []string) (string, error) {
	c, _ := st.column(field)
	left, right := quote(c.Name), literal
	if c.isText() {
		left = "CAST(CONVERT(" + c.text() + " USING utf8mb4) AS BINARY)"
		right = func(v string) string { return "CAST(" + literal(v) + " AS BINARY)" }
	}
	var literals []string
	for _, v := range values {
		if c.Data == "char" {
			v = strings.TrimRight(v, " ")
		}
		if !c.isText() {
			var ok bool
			if v, ok = c.value(v); !ok {
				return "", sdk.Config("grant.filters", fmt.Sprintf("compares %.80q, which is %s, with something else", c.Name, c.Type),
					"write a number for numbers and YYYY-MM-DD for dates, also with hh:mm:ss; other types than these and texts cannot be filtered")
			}
			right = func(v string) string { return v }
		}
		literals = append(literals, right(v))
	}
	if c.Data == "timestamp" { // which is shown in the zone of who reads, and kept in none
		left = "UNIX_TIMESTAMP(" + left + ")"
	}
	return sqlgrant.Comparison(left, sign, literals), nil
}

// value is what the column is compared with, in place of the text of a filter.
func (c grantColumn) value(text string) (string, bool) {
	switch c.Data {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double", "year":
		return text, number.MatchString(text)
	case "date", "datetime":
		return literal(text), moment.MatchString(text) && parsable(text)
	case "timestamp":
		if !moment.MatchString(text) {
			return "", false
		}
		at, err := instant(text)
		return strconv.FormatFloat(float64(at.UnixMicro())/1e6, 'f', 6, 64), err == nil
	}
	return "", false
}

func parsable(text string) bool {
	_, err := instant(text)
	return err == nil
}

// instant reads a moment of UTC.
func instant(text string) (time.Time, error) {
	text = strings.Replace(text, "T", " ", 1)
	if len(text) == len(time.DateOnly) {
		return time.Parse(time.DateOnly, text)
	}
	return time.Parse(time.DateTime, text)
}
