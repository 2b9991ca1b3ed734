package denodo

import (
	"cmp"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/souk-mesh/souk/plugins/internal/dataset"
	"github.com/souk-mesh/souk/plugins/internal/transport"
	"github.com/souk-mesh/souk/sdk"
)

// Config says which server to read, and as whom.
type Config struct {
	URL      string `json:"url" doc:"Address of Virtual DataPort with the user and without the password, such as denodo://souk@vdp.example:9996; a database behind it is the one to sign in to, and admin when there is none." format:"url" host:"true"`
	Password string `json:"password,omitempty" doc:"Password of the user." format:"secret"`
	transport.Config
	Include        []string          `json:"includeDatabases,omitempty" doc:"The databases to harvest; all when empty."`
	Exclude        []string          `json:"excludeDatabases,omitempty" doc:"Databases to leave out."`
	Lineage        string            `json:"lineage" doc:"What is read of lineage: columns (a question for each derived view), views, or nothing (leave)." enum:"columns,views,leave" default:"columns"`
	Definitions    string            `json:"definitions" doc:"Whether the VQL of derived views is read, which takes a question for each." enum:"read,leave" default:"read"`
	Addresses      string            `json:"addresses" doc:"Whether the address of a JDBC data source is read from its VQL, to find the tables that base views show. The server writes the enciphered password of the data source into the same text; it is not kept." enum:"read,leave" default:"read"`
	DataSources    map[string]string `json:"dataSources,omitempty" doc:"Where a data source leads, by DATABASE.NAME, or by DATABASE for all of one: postgres://HOST:PORT/DATABASE, mysql://HOST:PORT and the like. It goes before the address that the server tells."`
	Rights         string            `json:"rights" doc:"check: a database on the whole of which the user has no privilege METADATA is not taken for listed. trust: whatever the server shows is all there is." enum:"check,trust" default:"check"`
	Namespace      string            `json:"namespace,omitempty" doc:"Namespace of the assets in place of denodo://HOST:PORT."`
	ConnectTimeout string            `json:"connectTimeout" doc:"How long to wait for the server." format:"duration" default:"10s"`
	Timeout        string            `json:"timeout" doc:"How long one question may take, such as that for all views of a database." format:"duration" default:"10m"`
}

// parsed is a configuration that has been checked.
type parsed struct {
	Config
	driver  *pgconn.Config
	address string
	timeout time.Duration
	systems map[string]dataset.System // by data source, or by database
}

// longest is the largest message of the server that is read.
const longest = 64 << 20

func (c Config) parse() (*parsed, error) {
	u, err := c.server()
	if err != nil {
		return nil, err
	}
	p := &parsed{Config: c, address: net.JoinHostPort(strings.ToLower(u.Hostname()), cmp.Or(u.Port(), "9996")), systems: map[string]dataset.System{}}
	p.Namespace = cmp.Or(c.Namespace, "denodo://"+p.address)
	for name, address := range c.DataSources {
		system, why := dataset.ParseSystem(address)
		if why != "" {
			return nil, sdk.Config("dataSources", "the place of "+quote(name)+" "+why, "write postgres://HOST:PORT/DATABASE, mysql://HOST:PORT or the like, without user, password and parameters")
		}
		p.systems[name] = system
	}
	connect, err := positive("connectTimeout", c.ConnectTimeout, "10s")
	if err != nil {
		return nil, err
	}
	if p.timeout, err = positive("timeout", c.Timeout, "10m"); err != nil {
		return nil, err
	}
	p.driver, err = c.connection(u, connect)
	return p, err
}

// server checks the parts of the URL. No message repeats it: it may hold a password.
func (c Config) server() (*url.URL, error) {
	example := "write denodo://USER@HOST:9996"
	u, err := url.Parse(c.URL)
	switch {
	case c.URL == "":
		return nil, sdk.Config("url", "is missing", example)
	case err != nil || u.Scheme != "denodo" || u.Hostname() == "":
		return nil, sdk.Config("url", "is no address of Virtual DataPort", example)
	case u.User.Username() == "":
		return nil, sdk.Config("url", "names no user", example)
	case u.RawQuery != "" || u.Fragment != "":
		return nil, sdk.Config("url", "has parameters", "take them out; transport says how the connection is secured")
	}
	if _, has := u.User.Password(); has {
		return nil, sdk.Config("url", "holds a password", "put it into the secret password")
	}
	return u, nil
}

func positive(field, text, otherwise string) (time.Duration, error) {
	d, err := time.ParseDuration(cmp.Or(text, otherwise))
	if err != nil || d <= 0 {
		return 0, sdk.Config(field, "is no positive duration", "write a duration such as "+otherwise)
	}
	return d, nil
}

// connection is what the driver is told. Of its usual ways to find settings, the
// environment and files of the user, it takes none.
func (c Config) connection(u *url.URL, timeout time.Duration) (*pgconn.Config, error) {
	secure, err := c.TLS(u.Hostname())
	if err != nil {
		return nil, err
	}
	d, err := pgconn.ParseConfig("postgres://souk@localhost/admin?sslmode=disable")
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(cmp.Or(u.Port(), "9996"), 10, 16)
	if err != nil {
		return nil, sdk.Config("url", "has a port that is none", "write denodo://USER@HOST:9996")
	}
	d.Host, d.Port, d.User, d.Password = u.Hostname(), uint16(port), u.User.Username(), c.Password
	d.Database = cmp.Or(strings.Trim(u.Path, "/"), "admin")
	d.TLSConfig, d.Fallbacks, d.ConnectTimeout = secure, nil, timeout
	d.RuntimeParams = map[string]string{"application_name": "souk", "client_encoding": "UTF8"}
	return d, nil
}
