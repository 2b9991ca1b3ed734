package datafactory

import (
	"cmp"
	"encoding/json"
	"net/url"
	"strings"

	names "github.com/souk-mesh/souk/plugins/internal/dataset"
	"github.com/souk-mesh/souk/sdk"
)

// values are properties of which each may be a text, a number, or an expression
// that is worked out when a pipeline runs.
type values map[string]json.RawMessage

// text is the first of the properties that is a plain text.
func (v values) text(keys ...string) string {
	for _, key := range keys {
		var text string
		if json.Unmarshal(v[key], &text) == nil && text != "" && !strings.HasPrefix(text, "@") {
			return strings.TrimSpace(text)
		}
		var number json.Number
		if json.Unmarshal(v[key], &number) == nil && number != "" {
			return number.String()
		}
	}
	return ""
}

// worked tells whether one of the properties is worked out when a pipeline runs.
func (v values) worked(keys ...string) bool {
	for _, key := range keys {
		if raw := v[key]; len(raw) > 0 && string(raw) != "null" && string(raw) != `""` && v.text(key) == "" {
			return true
		}
	}
	return false
}

// inner are the properties of a property.
func (v values) inner(key string) values {
	var inner values
	_ = json.Unmarshal(v[key], &inner)
	return inner
}

// service is a linked service: what it connects to.
type service struct {
	Type       string `json:"type"`
	Properties values `json:"typeProperties"`
}

// datasetProperties is a dataset of a factory.
type datasetProperties struct {
	Type        string `json:"type"`
	Description string `json:"description"`
	Service     struct {
		Name string `json:"referenceName"`
	} `json:"linkedServiceName"`
	Annotations []any   `json:"annotations"`
	Properties  values  `json:"typeProperties"`
	Schema      columns `json:"schema"`
	Structure   columns `json:"structure"` // the word that it had before
}

// columns are those of a dataset. All of them, or a name, may be an expression:
// that is left out.
type columns []values

// UnmarshalJSON takes a list, and nothing of anything else.
func (c *columns) UnmarshalJSON(raw []byte) error {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		return nil //nolint:nilerr // an expression is worked out at a run
	}
	for _, one := range list {
		var column values
		if json.Unmarshal(one, &column) == nil {
			*c = append(*c, column)
		}
	}
	return nil
}

// connection reads the parts of a connection string. What is secret in it is
// not looked at.
func connection(text string) map[string]string {
	parts := map[string]string{}
	for part := range strings.SplitSeq(text, ";") {
		if key, value, ok := strings.Cut(part, "="); ok {
			parts[strings.ToLower(strings.ReplaceAll(strings.TrimSpace(key), " ", ""))] = strings.TrimSpace(value)
		}
	}
	return parts
}

// of is a property of the service, or of its connection string.
func (s service) of(keys ...string) string {
	if value := s.Properties.text(keys...); value != "" {
		return value
	}
	parts := connection(s.Properties.text("connectionString"))
	for _, key := range keys {
		if value := parts[strings.ToLower(key)]; value != "" {
			return value
		}
	}
	return ""
}

// native gives the name that a dataset has in its own system, where the factory
// says enough. A part that is worked out at a run is unknown.
func native(d datasetProperties, s service) (names.Dataset, bool) {
	switch s.Type {
	case "AzureSqlDatabase", "AzureSqlMI", "AzureSqlDW", "SqlServer":
		return table("mssql", d, s)
	case "AzurePostgreSql", "PostgreSql", "PostgreSqlV2":
		return table("postgres", d, s)
	case "AzureMySql", "MySql", "MariaDB":
		return table("mysql", d, s)
	case "AzureBlobStorage", "AzureStorage", "AzureBlobFS", "AmazonS3", "GoogleCloudStorage":
		return file(d, s)
	}
	return names.Dataset{}, false
}

func table(scheme string, d datasetProperties, s service) (names.Dataset, bool) {
	server := strings.TrimPrefix(s.of("server", "host", "datasource", "fullyQualifiedDomainName"), "tcp:")
	server, port, hasPort := strings.Cut(server, ",")
	if !hasPort {
		port = s.of("port")
	}
	database := s.of("database", "initialcatalog")
	schema, name := d.Properties.text("schema"), d.Properties.text("table")
	if name == "" {
		parts := split(d.Properties.text("tableName"))
		name = parts[len(parts)-1]
		if len(parts) > 1 {
			schema = parts[len(parts)-2]
		}
	}
	if server == "" || database == "" || name == "" || strings.ContainsAny(server, "/@ \\") {
		return names.Dataset{}, false
	}
	if port != "" {
		server += ":" + port
	}
	if schema == "" && scheme != "mysql" {
		schema = map[string]string{"mssql": "dbo", "postgres": "public"}[scheme]
	}
	if scheme == "mysql" {
		schema = ""
	}
	found, ok := names.FromURI(scheme + "://" + server + "/x")
	found.ID.Name = sdk.JoinName(database, schema, name)
	return found, ok
}

// split cuts a name such as [dbo].[or.ders] at its dots.
func split(name string) []string {
	quoted := strings.NewReplacer("[", `"`, "]", `"`).Replace(name)
	return sdk.SplitName(quoted)
}

func file(d datasetProperties, s service) (names.Dataset, bool) {
	location := d.Properties.inner("location")
	if location == nil {
		location = d.Properties
	}
	path := strings.Trim(location.text("folderPath")+"/"+location.text("fileName", "key"), "/")
	box := location.text("container", "fileSystem", "bucketName")
	if d.Type == "AzureBlob" || d.Type == "AzureBlobFSFile" { // where the path begins with the container
		box, path, _ = strings.Cut(path, "/")
	}
	if box == "" || path == "" || location.worked("folderPath", "fileName", "key") {
		return names.Dataset{}, false
	}
	host := ""
	switch s.Type {
	case "AmazonS3":
		return names.FromURI("s3://" + box + "/" + (&url.URL{Path: path}).EscapedPath())
	case "GoogleCloudStorage":
		return names.FromURI("gs://" + box + "/" + (&url.URL{Path: path}).EscapedPath())
	case "AzureBlobFS":
		host = hostOf(s.of("url"))
	default:
		host = hostOf(s.of("serviceEndpoint", "blobendpoint", "sasUri"))
		if account := s.of("accountname"); host == "" && account != "" {
			host = account + ".blob." + cmp.Or(s.of("endpointsuffix"), "core.windows.net")
		}
	}
	if host == "" {
		return names.Dataset{}, false
	}
	scheme := map[bool]string{true: "abfss", false: "wasbs"}[s.Type == "AzureBlobFS"]
	return names.Dataset{ID: sdk.NativeID{Namespace: scheme + "://" + box + "@" + host, Name: path}, Kind: "FILE"}, true
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}
