package glue

import (
	"cmp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/souk-mesh/souk/plugins/internal/metastore"
	"github.com/souk-mesh/souk/sdk"
)

// columns are those of the data and then those of the partitions. A name that
// stands in both is one column.
func columns(t types.Table) []sdk.Field {
	var own []types.Column
	if t.StorageDescriptor != nil {
		own = t.StorageDescriptor.Columns
	}
	fields := glueColumns(own)
	if len(own) == 0 || len(own) == 1 && metastore.StandIn(aws.ToString(own[0].Name), aws.ToString(own[0].Type)) {
		if spark := metastore.SparkFields(t.Parameters); len(spark) > 0 {
			fields = spark
		}
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
