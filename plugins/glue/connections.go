package glue

import (
	"cmp"
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"github.com/souk-mesh/souk/plugins/internal/dataset"
	"github.com/souk-mesh/souk/sdk"
)

// connection is where one leads: no user, no password and no parameter of an
// address is kept.
type connection struct {
	system dataset.System // of a database
	kafka  string         // the first server, where it is one of Kafka
}

// names are what is shown of it.
func (c connection) names() (system, database string) {
	if c.kafka != "" {
		return "kafka://" + c.kafka, ""
	}
	return c.system.Namespace(), c.system.Database()
}

// readConnections emits the connections.
func (h *harvest) readConnections(ctx context.Context) error {
	return list(ctx, h.source, listing[*glue.GetConnectionsOutput, types.Connection]{
		what: "the list of connections", action: "glue:GetConnections", name: func(c types.Connection) *string { return c.Name },
		ask: func(ctx context.Context, token *string) (*glue.GetConnectionsOutput, error) {
			return h.client.GetConnections(ctx, &glue.GetConnectionsInput{CatalogId: h.catalog(), HidePassword: true, MaxResults: aws.Int32(pageSize), NextToken: token})
		},
		of: func(out *glue.GetConnectionsOutput) ([]types.Connection, *string) {
			return out.ConnectionList, out.NextToken
		},
	}, func(c types.Connection) error { return h.connection(ctx, c) })
}

func (h *harvest) connection(ctx context.Context, c types.Connection) error {
	name := aws.ToString(c.Name)
	to := leads(string(c.ConnectionType), c.ConnectionProperties)
	h.connections[name] = to
	labels, err := h.tagsOf(ctx, h.work, "connection", name)
	if err != nil {
		return err
	}
	system, database := to.names()
	return h.emit(&sdk.Asset{
		ID: h.work.id("connection", name), Scope: connectionScope, Kind: "OTHER", Rank: sdk.Holder, ShortName: name,
		Description: aws.ToString(c.Description), Tags: labels, ChangedAt: latest(c.CreationTime, c.LastUpdatedTime),
		Properties: sdk.Properties("type", "connection", "connects_to", string(c.ConnectionType), "system", system, "database", database, "status", string(c.Status)),
	})
}

// schemes are the types of connections of the newer form, which has no address.
var schemes = map[string]string{
	"postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql", "sqlserver": "mssql", "oracle": "oracle", "redshift": "redshift", "mongodb": "mongodb", "documentdb": "mongodb",
}

// leads reads where a connection leads.
func leads(kind string, p map[string]string) connection {
	servers, _, _ := strings.Cut(p["KAFKA_BOOTSTRAP_SERVERS"], ",")
	switch {
	case servers != "":
		return connection{kafka: bare(servers)}
	case p["JDBC_CONNECTION_URL"] != "":
		system, _ := dataset.FromJDBC(p["JDBC_CONNECTION_URL"])
		return connection{system: system}
	case p["CONNECTION_URL"] != "": // mongodb://host/database
		scheme, rest, _ := strings.Cut(p["CONNECTION_URL"], "://")
		rest, _, _ = strings.Cut(rest[strings.LastIndex(rest, "@")+1:], "?")
		return connection{system: parsed(scheme + "://" + rest)}
	}
	host := bare(p["HOST"])
	if port := p["PORT"]; port != "" && !strings.Contains(host, ":") {
		host += ":" + port
	}
	return connection{system: parsed(schemes[strings.ToLower(kind)] + "://" + host + "/" + p["DATABASE"])}
}

// parsed is the system at an address, or none.
func parsed(address string) dataset.System {
	system, _ := dataset.ParseSystem(address)
	return system
}

// bare takes a user out of a host, and gives "" for what is none.
func bare(host string) string {
	host = strings.TrimSpace(host[strings.LastIndex(host, "@")+1:])
	if strings.ContainsAny(host, "/?#;,= \t") {
		return ""
	}
	return strings.ToLower(host)
}

// topic is one of Kafka.
func (c connection) topic(name string) (dataset.Dataset, bool) {
	id := sdk.NativeID{Namespace: "kafka://" + c.kafka, Name: name}
	return dataset.Dataset{ID: id, Kind: "TOPIC"}, c.kafka != "" && name != ""
}

// table gives the table that a crawler writes as database.schema.table, or as
// database.table where the system has no schemas. A name of another number of
// parts is not guessed at.
func (c connection) table(path string) (dataset.Dataset, bool) {
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '/' })
	if strings.Contains(path, "%") {
		return dataset.Dataset{}, false
	}
	switch {
	case c.system.Schemas() && len(parts) == 3:
		return c.named(parts[0], parts[1], parts[2])
	case !c.system.Schemas() && len(parts) == 2:
		return c.named(parts[0], "", parts[1])
	}
	return dataset.Dataset{}, false
}

func (c connection) named(database, schema, table string) (dataset.Dataset, bool) {
	id, ok := c.system.Table(database, schema, table)
	return dataset.Dataset{ID: id, Kind: "TABLE"}, ok
}

// within gives a table by the names that a job has for it.
func (c connection) within(database, schema, table string) (dataset.Dataset, bool) {
	if before, after, cut := strings.Cut(table, "."); cut && schema == "" && !strings.Contains(after, ".") {
		schema, table = before, after
	}
	if !c.system.Schemas() {
		return c.named(cmp.Or(database, c.system.Database()), "", table)
	}
	scheme, _, _ := strings.Cut(c.system.Namespace(), ":")
	return c.named(database, cmp.Or(schema, map[string]string{"postgres": "public", "redshift": "public", "mssql": "dbo"}[scheme]), table)
}
