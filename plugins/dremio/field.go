package dremio

import (
	"fmt"
	"strings"
)

// field is a column, or a part of the type of one.
type field struct {
	Name string    `json:"name"` // none within a list
	Type fieldType `json:"type"`
}

type fieldType struct {
	Name      string  `json:"name"`
	Precision int     `json:"precision"`
	Scale     int     `json:"scale"`
	Parts     []field `json:"subSchema"` // of LIST, STRUCT, MAP and UNION
}

// longest is how long a type is written; a longer one is told by its name alone.
const longest = 4 << 10

// native writes a type with its parts: DECIMAL(10,2), LIST<VARCHAR>, STRUCT<a: BIGINT>.
func (t fieldType) native() string {
	if t.Name == "DECIMAL" && t.Precision > 0 {
		return fmt.Sprintf("DECIMAL(%d,%d)", t.Precision, t.Scale)
	}
	var parts []string
	size := 0
	for _, p := range t.Parts {
		text := p.Type.native()
		if p.Name != "" {
			text = p.Name + ": " + text
		}
		if size += len(text); size > longest {
			return t.Name
		}
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		return t.Name
	}
	return t.Name + "<" + strings.Join(parts, ", ") + ">"
}
