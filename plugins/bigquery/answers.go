package bigquery

// What BigQuery answers, as far as it is read, by
// https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/tables.

type datasetAnswer struct {
	Reference struct {
		Dataset string `json:"datasetId"`
	} `json:"datasetReference"`
	FriendlyName string            `json:"friendlyName"`
	Description  string            `json:"description"`
	Location     string            `json:"location"`
	Labels       map[string]string `json:"labels"`
	Expires      string            `json:"defaultTableExpirationMs"`
}

type tableReference struct {
	Project string `json:"projectId"`
	Dataset string `json:"datasetId"`
	Table   string `json:"tableId"`
}

type tableAnswer struct {
	Reference    tableReference    `json:"tableReference"`
	Type         string            `json:"type"`
	FriendlyName string            `json:"friendlyName"`
	Description  string            `json:"description"`
	Labels       map[string]string `json:"labels"`
	Schema       struct {
		Fields []fieldAnswer `json:"fields"`
	} `json:"schema"`
	Rows             string           `json:"numRows"`
	Bytes            string           `json:"numBytes"`
	Changed          string           `json:"lastModifiedTime"` // in milliseconds
	Expires          string           `json:"expirationTime"`
	View             *viewAnswer      `json:"view"`
	MaterializedView *viewAnswer      `json:"materializedView"`
	External         *externalAnswer  `json:"externalDataConfiguration"`
	TimePartitioning *timePartition   `json:"timePartitioning"`
	Range            *rangePartition  `json:"rangePartitioning"`
	FilterNeeded     bool             `json:"requirePartitionFilter"`
	Clustering       *clusterAnswer   `json:"clustering"`
	Constraints      constraintAnswer `json:"tableConstraints"`
	Snapshot         *baseAnswer      `json:"snapshotDefinition"`
	Clone            *baseAnswer      `json:"cloneDefinition"`
}

type fieldAnswer struct {
	Name        string        `json:"name"`
	Type        string        `json:"type"`
	Mode        string        `json:"mode"`
	Description string        `json:"description"`
	Fields      []fieldAnswer `json:"fields"`
	MaxLength   string        `json:"maxLength"`
	Precision   string        `json:"precision"`
	Scale       string        `json:"scale"`
	Default     string        `json:"defaultValueExpression"`
	PolicyTags  struct {
		Names []string `json:"names"`
	} `json:"policyTags"`
}

type viewAnswer struct {
	Query  string `json:"query"`
	Legacy bool   `json:"useLegacySql"`
}

type externalAnswer struct {
	Format string   `json:"sourceFormat"`
	URIs   []string `json:"sourceUris"`
}

type timePartition struct {
	Type  string `json:"type"`
	Field string `json:"field"`
}

type rangePartition struct {
	Field string `json:"field"`
}

type clusterAnswer struct {
	Fields []string `json:"fields"`
}

type baseAnswer struct {
	Base tableReference `json:"baseTableReference"`
}

type constraintAnswer struct {
	PrimaryKey struct {
		Columns []string `json:"columns"`
	} `json:"primaryKey"`
	ForeignKeys []struct {
		Name    string         `json:"name"`
		To      tableReference `json:"referencedTable"`
		Columns []struct {
			From string `json:"referencingColumn"`
			To   string `json:"referencedColumn"`
		} `json:"columnReferences"`
	} `json:"foreignKeys"`
}
