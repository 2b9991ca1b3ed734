package postgres

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/souk-mesh/souk/sdk"
)

// Config says which database to read, and as whom.
type Config struct {
	URL            string   `json:"url" doc:"PostgreSQL URL without the password, such as postgres://souk@db.example:5432/shop." format:"url" host:"true"`
	Password       string   `json:"password,omitempty" doc:"Password of the role." format:"secret"`
	Transport      string   `json:"transport" doc:"What a connection must be before the password travels on it: verified (encrypted, and the server's certificate proves who it is), encrypted (anybody may answer), or clear (anybody may listen, too). Only an administrator may choose less than verified." enum:"verified,encrypted,clear" default:"verified" admin:"true"`
	Authorities    string   `json:"authorities,omitempty" doc:"Certificates of the authorities that sign for the server, in PEM; those of the machine when empty."`
	Include        []string `json:"includeSchemas,omitempty" doc:"The schemas to harvest; all when empty."`
	Exclude        []string `json:"excludeSchemas,omitempty" doc:"Schemas to leave out."`
	Namespace      string   `json:"namespace,omitempty" doc:"OpenLineage namespace in place of postgres://HOST:PORT, where clients know the server by another name."`
	Partitions     string   `json:"partitions" doc:"Whether partitions are counted on their table or listed themselves." enum:"fold,list" default:"fold"`
	Usage          string   `json:"usage" doc:"Whether to read how often each table was read (count). A table in use is then another one at each harvest, which costs a write." enum:"off,count" default:"off"`
	ConnectTimeout string   `json:"connectTimeout" doc:"How long to wait for the server." format:"duration" default:"10s"`
	Grants         Grants   `json:"grants,omitzero" doc:"With what rights are given and taken away; off without a role."`
}

// parsed is a configuration that has been checked.
type parsed struct {
	pgx       *pgx.ConnConfig
	database  string
	namespace string
	include   []string
	exclude   []string
	unfold    bool // partitions one by one
	counts    bool // how often tables are read
	grants    Grants
}

// parse checks the configuration. Without files it takes a file of certificates
// for a good one, and opens nothing.
func (c Config) parse(files *sdk.Files) (*parsed, error) {
	u, err := c.address()
	if err != nil {
		return nil, err
	}
	port := cmp.Or(u.Port(), "5432")
	namespace := cmp.Or(c.Namespace, "postgres://"+net.JoinHostPort(strings.ToLower(u.Hostname()), port))
	way, err := c.wayTo(u, files)
	if err != nil {
		return nil, err
	}
	timeout, err := time.ParseDuration(cmp.Or(c.ConnectTimeout, "10s"))
	if err != nil || timeout <= 0 {
		return nil, sdk.Config("connectTimeout", "is no positive duration", "write a duration such as 10s")
	}
	switch c.Partitions {
	case "", "fold", "list":
	default:
		return nil, sdk.Config("partitions", fmt.Sprintf("%q is not known", c.Partitions), "write fold or list")
	}
	switch c.Usage {
	case "", "off", "count":
	default:
		return nil, sdk.Config("usage", fmt.Sprintf("%q is not known", c.Usage), "write off or count")
	}
	if c.Grants.Role == u.User.Username() {
		return nil, sdk.Config("grants.role", "is the role that harvests", "give rights by a role of its own, so that what Souk gives can be told from the rest")
	}
	if c.Grants.Role == "" && c.Grants.Password != "" {
		return nil, sdk.Config("grants.role", "is empty and has a password", "name the role, or take the secret grants.password away")
	}
	config, err := pgx.ParseConfig(way.url)
	if err != nil {
		return nil, sdk.Config("url", "has a parameter with a value that PostgreSQL does not know", "look at what stands behind the question mark")
	}
	way.secure(config)
	config.ConnectTimeout = timeout
	config.Password = c.Password
	config.RuntimeParams["application_name"] = "souk"
	return &parsed{
		pgx: config, database: config.Database, namespace: namespace,
		include: c.Include, exclude: c.Exclude, unfold: c.Partitions == "list", counts: c.Usage == "count",
		grants: Grants{c.Grants.Role, c.Grants.Password, cmp.Or(c.Grants.Schema, "souk_grants")},
	}, nil
}

// address checks the URL's parts. No message repeats the URL: it may hold a password.
func (c Config) address() (*url.URL, error) {
	example := "write postgres://ROLE@HOST:5432/DATABASE"
	u, err := url.Parse(c.URL)
	switch {
	case c.URL == "":
		return nil, sdk.Config("url", "is missing", example)
	case err != nil:
		return nil, sdk.Config("url", "is no URL", example)
	case u.Scheme != "postgres" && u.Scheme != "postgresql":
		return nil, sdk.Config("url", "is no PostgreSQL URL", example)
	}
	if _, has := u.User.Password(); has || u.Query().Has("password") {
		return nil, sdk.Config("url", "holds a password", "put it into the secret password")
	}
	switch {
	case u.Hostname() == "":
		return nil, sdk.Config("url", "names no host", example)
	case strings.Trim(u.Path, "/") == "":
		return nil, sdk.Config("url", "names no database", example)
	case u.User.Username() == "":
		return nil, sdk.Config("url", "names no role", example)
	}
	return u, nil
}
