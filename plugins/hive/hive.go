// Package hive harvests a Hive Metastore: databases, tables, views, materialized
// views, their columns, keys and where their data lies. It owns the calls of the
// Metastore that it makes, and what it says of them. It refuses to change anything
// there, to list partitions, and to read data.
package hive

import (
	"cmp"
	"context"
	_ "embed"
	"net"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/souk-mesh/souk/plugins/internal/metastore"
	"github.com/souk-mesh/souk/plugins/internal/transport"
	"github.com/souk-mesh/souk/sdk"
)

//go:embed README.md
var doc string

// Config says where the Metastore is, how to speak to it, and what is wanted.
type Config struct {
	URL      string `json:"url" doc:"Address of the Metastore, such as thrift://metastore.example:9083." format:"url" host:"true"`
	User     string `json:"user,omitempty" doc:"The user that reads: with a password the one who signs in, and without the one whom the Metastore is told."`
	Password string `json:"password,omitempty" doc:"Password of the user, where the Metastore asks for one (metastore.authentication LDAP, CONFIG or CUSTOM)." format:"secret"`
	transport.Config
	Framed   bool     `json:"framed" doc:"Whether the Metastore speaks in frames (metastore.thrift.framed.transport.enabled)." default:"false"`
	Compact  bool     `json:"compact" doc:"Whether the Metastore speaks the compact protocol (metastore.thrift.compact.protocol.enabled)." default:"false"`
	Catalogs []string `json:"catalogs,omitempty" doc:"Catalogs of the Metastore to harvest, by name or as patterns; all when empty."`
	metastore.Choice
	Trino       []string `json:"trinoCatalogs,omitempty" doc:"What Trino calls its catalogs over this Metastore, such as lake. Where it is said, a name of another catalog in a view is one of another system; where it is not, a name counts as that of a table here that has it."`
	Constraints string   `json:"constraints" doc:"Whether keys and other constraints are read, which takes a request for each table: read, or skip." enum:"read,skip" default:"read"`
	Partitions  string   `json:"partitions" doc:"Whether partitions are counted, which takes a request for each table that has them: count, or skip." enum:"count,skip" default:"count"`
	PageSize    int      `json:"pageSize" doc:"How many tables are asked for at once, up to 1000." default:"100"`
	Timeout     string   `json:"timeout" doc:"How long the Metastore may be silent in one request." format:"duration" default:"60s"`
	Namespace   string   `json:"namespace,omitempty" doc:"Namespace of the assets; hive://HOST:PORT when empty."`
}

// Plugin is the harvester of Hive Metastores.
func Plugin() sdk.Plugin[Config] {
	return sdk.Plugin[Config]{
		Info: sdk.Info{
			Name: "hive", Version: "1.0.0", Doc: doc,
			Summary: "Databases, tables, views, columns, keys and view lineage of a Hive Metastore.",
			Emits:   []string{"asset", "edge"},
		},
		Open: open, Judge: judge,
	}
}

type source struct {
	Config
	session *session
}

// host is the address that the URL names.
func (c Config) host() (string, error) {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Scheme != "thrift" || u.Hostname() == "":
		return "", sdk.Config("url", "is no address of a Metastore", "write thrift://HOST:PORT")
	case u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return "", sdk.Config("url", "is more than an address", "write thrift://HOST:PORT; the user goes into user, and the password is the secret password")
	}
	return net.JoinHostPort(strings.ToLower(u.Hostname()), cmp.Or(u.Port(), "9083")), nil
}

func (c Config) patience() (time.Duration, error) {
	d, err := time.ParseDuration(cmp.Or(c.Timeout, "60s"))
	if err != nil || d <= 0 {
		return 0, sdk.Config("timeout", "is no time", "write one such as 60s")
	}
	return d, nil
}

const mostTables = 1000

func judge(c Config) error {
	if _, err := c.host(); err != nil {
		return err
	}
	if _, err := c.patience(); err != nil {
		return err
	}
	if c.PageSize < 0 || c.PageSize > mostTables {
		return sdk.Config("pageSize", "is no number from 1 to 1000", "write how many tables are asked for at once")
	}
	for _, p := range c.Catalogs {
		if _, err := path.Match(p, ""); err != nil || p == "" {
			return sdk.Config("catalogs", "holds something that is no pattern of a name", "write names such as hive, or patterns such as s*")
		}
	}
	if _, err := c.TLS(""); err != nil {
		return err
	}
	return c.JudgeNames()
}

func open(_ context.Context, c Config, _ sdk.Env) (sdk.Source, error) {
	if err := judge(c); err != nil {
		return nil, err
	}
	if c.Password != "" && c.User == "" {
		return nil, sdk.Config("user", "is missing", "give the user of the password")
	}
	address, err := c.host()
	if err != nil {
		return nil, err
	}
	s := &source{Config: c, session: &session{address: address, framed: c.Framed, compact: c.Compact, user: c.User, password: c.Password}}
	if s.session.patience, err = c.patience(); err != nil {
		return nil, err
	}
	host, _, _ := net.SplitHostPort(address)
	if s.session.secure, err = c.TLS(host); err != nil {
		return nil, err
	}
	s.Namespace = cmp.Or(c.Namespace, "hive://"+address)
	s.PageSize = cmp.Or(c.PageSize, 100)
	return s, nil
}

// Close gives back the connection.
func (s *source) Close() error {
	s.session.shut()
	return nil
}

// Check lists the databases, and asks for one.
func (s *source) Check(ctx context.Context, r *sdk.Report) error {
	h := s.newHarvest(nil)
	databases, err := h.databases(ctx)
	if err := r.Tried("list_databases", err); err != nil || len(databases) == 0 {
		return err
	}
	_, err = s.session.tableNames(ctx, databases[0])
	return r.Tried("list_tables", err)
}
