package trino

import (
	"regexp"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/pdp"
)

// nothing is the condition that no row meets. Whatever cannot be written
// safely becomes it.
const nothing = "false"

// identifier quotes a name as SQL wants it. One that no column can have is refused.
func identifier(name string) (string, bool) {
	if name == "" || len(name) > 256 || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", false
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`, true
}

var (
	numberShape = regexp.MustCompile(`^-?[0-9]{1,30}(\.[0-9]{1,30})?$`)
	uuidShape   = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	lengths     = regexp.MustCompile(`\([^)]*\)`)
)

// literal writes a value as the type of its column wants it. Of a type that we
// do not know it writes text, which Trino refuses to compare with anything else.
func literal(value, native string) (string, bool) {
	if strings.ContainsFunc(value, func(r rune) bool { return r == 0 }) {
		return "", false
	}
	quoted := `'` + strings.ReplaceAll(value, `'`, `''`) + `'`
	switch class := typeClass(native); class {
	case "number":
		return value, numberShape.MatchString(value)
	case "boolean":
		value = strings.ToLower(value)
		return value, value == "true" || value == "false"
	case "uuid":
		return "UUID " + quoted, uuidShape.MatchString(value)
	case "date", "timestamp", "timestamptz", "time", "timetz":
		return timeLiteral(value, class)
	}
	return quoted, true
}

// typeClass sorts the types of databases by how their values are written.
func typeClass(native string) string {
	word := lengths.ReplaceAllString(strings.ToLower(native), " ")
	switch word = strings.Join(strings.Fields(word), " "); word {
	case "int", "integer", "bigint", "smallint", "tinyint", "int2", "int4", "int8", "numeric", "decimal", "real", "float", "float4", "float8",
		"double", "double precision", "serial", "bigserial":
		return "number"
	case "bool", "boolean":
		return "boolean"
	case "date", "uuid", "time", "timetz", "timestamptz":
		return word
	case "time without time zone":
		return "time"
	case "time with time zone":
		return "timetz"
	case "timestamp", "timestamp without time zone", "datetime":
		return "timestamp"
	case "timestamp with time zone", "timestamp with local time zone":
		return "timestamptz"
	}
	return "text"
}

var comparisons = map[string]string{"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}

// condition writes a row filter. The value of in is a list with commas.
func condition(column, native, op, value string) string {
	name, ok := identifier(column)
	if !ok {
		return nothing
	}
	if op != "in" {
		text, ok := literal(value, native)
		if sign := comparisons[op]; ok && sign != "" {
			return name + " " + sign + " " + text
		}
		return nothing
	}
	var list []string
	for item := range strings.SplitSeq(value, ",") {
		text, ok := literal(strings.TrimSpace(item), native)
		if !ok {
			return nothing
		}
		list = append(list, text)
	}
	return name + " IN (" + strings.Join(list, ", ") + ")"
}

var textShape = regexp.MustCompile(`^(varchar(\([0-9]+\))?|char\([0-9]+\))$`)

// maskOf writes a mask of the closed list for a column. A type that a mask does
// not fit shows nothing at all.
func maskOf(kind, column, typ string) string {
	name, ok := identifier(column)
	if !ok || kind == "null" || !textShape.MatchString(typ) && kind != "none" {
		return "NULL"
	}
	text := "CAST(" + name + " AS varchar)"
	switch kind {
	case "none":
		return ""
	case "hash":
		return "CAST(to_hex(sha256(to_utf8(" + text + "))) AS " + typ + ")"
	case "partial":
		return "CAST(concat('****', if(length(" + text + ") > 8, substr(" + text + ", -4), '')) AS " + typ + ")"
	}
	return "NULL"
}

// masksOf gives the mask of each column that has one, by its name in lower
// case. Two names of one column, with its table and without, are two duties:
// the one that shows less counts.
func masksOf(answer pdp.Answer) map[string]string {
	strength := map[string]int{"none": 0, "partial": 1, "hash": 2, "null": 3}
	masks := map[string]string{}
	for _, o := range answer.Obligations {
		name, ok := answer.Column(o)
		if !ok || o.Type != model.ObligeMask {
			continue
		}
		name = strings.ToLower(name)
		if before, masked := masks[name]; !masked || strength[o.Params["with"]] > strength[before] {
			masks[name] = o.Params["with"]
		}
	}
	return masks
}

// typeOf is the type of a column as its database names it; "" where the
// catalog does not know.
func typeOf(fields []model.AssetField, column string) string {
	for _, f := range fields {
		if strings.EqualFold(f.Name, column) {
			return f.NativeType
		}
	}
	return ""
}
