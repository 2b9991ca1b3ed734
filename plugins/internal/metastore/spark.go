package metastore

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// sparkField is a column as Spark keeps it in the parameters of a table.
type sparkField struct {
	Name     string          `json:"name"`
	Type     json.RawMessage `json:"type"`
	Nullable bool            `json:"nullable"`
	Metadata struct {
		Comment string `json:"comment"`
	} `json:"metadata"`
}

// SparkFields gives the columns that Spark keeps in the parameters of a table whose
// format Hive does not know, such as Delta.
func SparkFields(parameters map[string]string) []sdk.Field {
	var schema struct {
		Fields []sparkField `json:"fields"`
	}
	if json.Unmarshal([]byte(sparkSchema(parameters)), &schema) != nil {
		return nil
	}
	var fields []sdk.Field
	for _, f := range schema.Fields {
		if f.Name != "" {
			fields = append(fields, sdk.Field{Name: f.Name, NativeType: sparkType(f.Type, 0), Nullable: f.Nullable, Description: f.Metadata.Comment})
		}
	}
	return fields
}

// StandIn tells whether a column stands in the place of those that Spark keeps in
// the parameters.
func StandIn(name, kind string) bool { return name == "col" && strings.HasPrefix(kind, "array<") }

// sparkSchema puts the schema together, which is cut into parts where it is long.
func sparkSchema(parameters map[string]string) string {
	if whole := parameters["spark.sql.sources.schema"]; whole != "" {
		return whole
	}
	n, _ := strconv.Atoi(parameters["spark.sql.sources.schema.numParts"])
	var all strings.Builder
	for i := range min(n, len(parameters)) {
		all.WriteString(parameters["spark.sql.sources.schema.part."+strconv.Itoa(i)])
	}
	return all.String()
}

const deepest = 20 // how deep types may lie in one another

// sparkType writes a type as Hive writes it.
func sparkType(raw json.RawMessage, deep int) string {
	var word string
	if json.Unmarshal(raw, &word) == nil {
		return word
	}
	var t struct {
		Type    string          `json:"type"`
		Element json.RawMessage `json:"elementType"`
		Key     json.RawMessage `json:"keyType"`
		Value   json.RawMessage `json:"valueType"`
		Fields  []sparkField    `json:"fields"`
	}
	if json.Unmarshal(raw, &t) != nil || deep == deepest {
		return ""
	}
	switch t.Type {
	case "array":
		return "array<" + sparkType(t.Element, deep+1) + ">"
	case "map":
		return "map<" + sparkType(t.Key, deep+1) + "," + sparkType(t.Value, deep+1) + ">"
	case "struct":
		var parts []string
		for _, f := range t.Fields {
			parts = append(parts, f.Name+":"+sparkType(f.Type, deep+1))
		}
		return "struct<" + strings.Join(parts, ",") + ">"
	}
	return t.Type
}
