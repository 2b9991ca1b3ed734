package glue

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/souk-mesh/souk/sdk"
)

// columns are those of the data and then those of the partitions. A name that
// stands in both is one column.
func columns(t types.Table) []sdk.Field {
	var own []types.Column
	if t.StorageDescriptor != nil {
		own = t.StorageDescriptor.Columns
	}
	fields, isSpark := sparkColumns(t, own)
	if !isSpark {
		fields = glueColumns(own)
	}
	place := map[string]int{}
	for i, f := range fields {
		place[strings.ToLower(f.Name)] = i
	}
	for _, f := range glueColumns(t.PartitionKeys) {
		at, there := place[strings.ToLower(f.Name)]
		if !there {
			at = len(fields)
			fields = append(fields, f)
		}
		if fields[at].Meta == nil {
			fields[at].Meta = map[string]string{}
		}
		fields[at].Meta["partition"] = "true"
		fields[at].Description = cmp.Or(fields[at].Description, f.Description)
	}
	for i := range fields {
		fields[i].Position = i + 1
	}
	return fields
}

// glueColumns leaves out the columns that an Iceberg table had once: the catalog
// goes on showing them.
func glueColumns(columns []types.Column) []sdk.Field {
	var fields []sdk.Field
	for _, c := range columns {
		if aws.ToString(c.Name) == "" || c.Parameters["iceberg.field.current"] == "false" {
			continue
		}
		f := sdk.Field{
			Name: aws.ToString(c.Name), NativeType: strings.TrimSpace(aws.ToString(c.Type)), Description: aws.ToString(c.Comment),
			Nullable: c.Parameters["iceberg.field.optional"] != "false",
		}
		for name, value := range c.Parameters {
			if strings.HasPrefix(name, "iceberg.field.") || value == "" {
				continue
			}
			if f.Meta == nil {
				f.Meta = map[string]string{}
			}
			f.Meta[name] = value
		}
		fields = append(fields, f)
	}
	return fields
}

// sparkField is a column as Spark keeps it in the parameters of a table.
type sparkField struct {
	Name     string          `json:"name"`
	Type     json.RawMessage `json:"type"`
	Nullable bool            `json:"nullable"`
	Metadata struct {
		Comment string `json:"comment"`
	} `json:"metadata"`
}

// sparkColumns reads the columns that Spark keeps beside the table where the
// catalog itself shows none: for Delta and other formats that Hive does not know
// it writes one column "col" in their place.
func sparkColumns(t types.Table, own []types.Column) ([]sdk.Field, bool) {
	stand := len(own) == 1 && aws.ToString(own[0].Name) == "col" && strings.HasPrefix(aws.ToString(own[0].Type), "array<")
	if len(own) > 0 && !stand {
		return nil, false
	}
	var schema struct {
		Fields []sparkField `json:"fields"`
	}
	if json.Unmarshal([]byte(sparkSchema(t.Parameters)), &schema) != nil || len(schema.Fields) == 0 {
		return nil, false
	}
	var fields []sdk.Field
	for _, f := range schema.Fields {
		if f.Name != "" {
			fields = append(fields, sdk.Field{Name: f.Name, NativeType: sparkType(f.Type, 0), Nullable: f.Nullable, Description: f.Metadata.Comment})
		}
	}
	return fields, true
}

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

// sparkType writes a type as Glue writes it.
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
