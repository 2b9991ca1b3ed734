package glue

import (
	"cmp"
	"context"
	"net"
	"net/url"
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
	scheme   string // of the system's namespace; "" where it is none that is known
	host     string // with its port, where there is one
	database string
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
	return h.emit(&sdk.Asset{
		ID: h.work.id("connection", name), Scope: connectionScope, Kind: "OTHER", Rank: sdk.Holder, ShortName: name,
		Description: aws.ToString(c.Description), Tags: labels, ChangedAt: latest(c.CreationTime, c.LastUpdatedTime),
		Properties: properties("type", "connection", "connects_to", string(c.ConnectionType), "host", to.host, "database", to.database, "status", string(c.Status)),
	})
}

// jdbc are the words for systems in JDBC's addresses and in types of connections.
var jdbc = map[string]string{
	"postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql", "sqlserver": "mssql", "oracle": "oracle", "redshift": "redshift", "mongodb": "mongodb", "kafka": "kafka", "documentdb": "mongodb",
}

// leads reads where a connection leads.
func leads(kind string, p map[string]string) connection {
	address := cmp.Or(p["JDBC_CONNECTION_URL"], p["CONNECTION_URL"])
	servers, _, _ := strings.Cut(p["KAFKA_BOOTSTRAP_SERVERS"], ",")
	switch {
	case servers != "":
		return connection{scheme: "kafka", host: bare(servers)}
	case address != "":
		return leadsTo(address)
	case p["HOST"] != "":
		c := connection{scheme: jdbc[strings.ToLower(kind)], host: bare(p["HOST"]), database: p["DATABASE"]}
		if p["PORT"] != "" && !strings.Contains(c.host, ":") {
			c.host = net.JoinHostPort(c.host, p["PORT"])
		}
		return c.tidy()
	}
	return connection{}
}

// leadsTo reads an address of JDBC, or one such as mongodb://host/database.
func leadsTo(address string) connection {
	address = strings.TrimPrefix(address, "jdbc:")
	word, rest, _ := strings.Cut(address, ":")
	c := connection{scheme: jdbc[strings.ToLower(word)]}
	if c.scheme == "" {
		return connection{}
	}
	if c.scheme == "oracle" { // oracle:thin://@host:port/service, oracle:thin:@host:port:sid
		_, rest, _ = strings.Cut(rest, ":")
	}
	rest = strings.TrimPrefix(rest, "//")
	if _, after, found := strings.Cut(rest, "@"); found {
		rest = after
	}
	rest = strings.TrimPrefix(rest, "//")
	rest, parameters, _ := strings.Cut(rest, ";")
	rest, _, _ = strings.Cut(rest, "?")
	c.host, c.database, _ = strings.Cut(rest, "/")
	if parts := strings.Split(c.host, ":"); c.scheme == "oracle" && len(parts) == 3 {
		c.host, c.database = parts[0]+":"+parts[1], parts[2]
	}
	for p := range strings.SplitSeq(parameters, ";") {
		if name, value, _ := strings.Cut(p, "="); strings.EqualFold(name, "databaseName") || strings.EqualFold(name, "database") {
			c.database = value
		}
	}
	c.host = bare(c.host)
	return c.tidy()
}

// bare takes a user out of a host, and gives "" for what is none.
func bare(host string) string {
	host = strings.TrimSpace(host[strings.LastIndex(host, "@")+1:])
	if strings.ContainsAny(host, "/?#;,= \t") {
		return ""
	}
	return strings.ToLower(host)
}

// tidy names a cluster of Redshift as OpenLineage does: CLUSTER.REGION.
func (c connection) tidy() connection {
	host, port, _ := strings.Cut(c.host, ":")
	if parts := strings.Split(host, "."); c.scheme == "redshift" && len(parts) == 6 && strings.HasSuffix(host, ".redshift.amazonaws.com") {
		c.host = strings.TrimSuffix(parts[0]+"."+parts[2]+":"+port, ":")
	}
	return c
}

// dataset is the thing with the name in the system.
func (c connection) dataset(parts ...string) (dataset.Dataset, bool) {
	if c.scheme == "" || c.host == "" {
		return dataset.Dataset{}, false
	}
	d, ok := dataset.FromURI((&url.URL{Scheme: c.scheme, Host: c.host, Path: "/x"}).String())
	d.ID.Name = sdk.JoinName(parts...)
	if c.scheme == "kafka" {
		d.ID.Name = strings.Join(parts, "")
	}
	return d, ok && d.ID.Name != ""
}

// table gives the table that a crawler writes as database.schema.table, or as
// database.table where the system has no schemas. A name of another number of
// parts is not guessed at.
func (c connection) table(path string) (dataset.Dataset, bool) {
	parts := strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '/' })
	want := 3
	if c.scheme == "mysql" || c.scheme == "mongodb" {
		want = 2
	}
	if c.scheme == "kafka" || len(parts) != want || strings.Contains(path, "%") {
		return dataset.Dataset{}, false
	}
	return c.dataset(parts...)
}

// within gives a table by the names that a job has for it.
func (c connection) within(database, schema, table string) (dataset.Dataset, bool) {
	database = cmp.Or(database, c.database)
	if before, after, cut := strings.Cut(table, "."); cut && schema == "" && !strings.Contains(after, ".") {
		schema, table = before, after
	}
	switch {
	case table == "" || database == "":
		return dataset.Dataset{}, false
	case c.scheme == "mysql" || c.scheme == "mongodb":
		return c.dataset(database, table)
	case schema == "":
		schema = map[string]string{"postgres": "public", "redshift": "public", "mssql": "dbo"}[c.scheme]
		if schema == "" {
			return dataset.Dataset{}, false
		}
	}
	return c.dataset(database, schema, table)
}
