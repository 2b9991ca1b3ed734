package mysql

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/souk-mesh/souk/sdk"
)

// Config says which server to read, and as whom.
type Config struct {
	URL            string   `json:"url" doc:"Address of the server with the user and without the password, such as mysql://souk@db.example:3306." format:"url" host:"true"`
	Password       string   `json:"password,omitempty" doc:"Password of the user." format:"secret"`
	Transport      string   `json:"transport" doc:"What a connection must be before the user signs in on it: verified (encrypted, and the server's certificate proves who it is), encrypted (anybody may answer, and be handed the password), or clear (anybody may listen, too). Only an administrator may choose less than verified." enum:"verified,encrypted,clear" default:"verified" admin:"true"`
	Authorities    string   `json:"authorities,omitempty" doc:"Certificates of the authorities that sign for the server, in PEM; those of the machine when empty."`
	Include        []string `json:"includeDatabases,omitempty" doc:"The databases to harvest; all when empty."`
	Exclude        []string `json:"excludeDatabases,omitempty" doc:"Databases to leave out."`
	Views          string   `json:"views" doc:"Whether the SQL of views, and so their lineage, is read: read needs the right SELECT on them, leave does not." enum:"read,leave" default:"read"`
	Namespace      string   `json:"namespace,omitempty" doc:"OpenLineage namespace in place of mysql://HOST:PORT, where clients know the server by another name."`
	ConnectTimeout string   `json:"connectTimeout" doc:"How long to wait for the server." format:"duration" default:"10s"`
	Grants         Grants   `json:"grants,omitzero" doc:"With what rights are given and taken away; off without a user."`
}

// parsed is a configuration that has been checked.
type parsed struct {
	driver    *driver.Config
	address   string
	namespace string
	include   []string
	exclude   []string
	leave     bool // the SQL of views
	timeout   time.Duration
	grants    Grants
}

func (c Config) parse() (*parsed, error) {
	u, err := c.server()
	if err != nil {
		return nil, err
	}
	timeout, err := time.ParseDuration(cmp.Or(c.ConnectTimeout, "10s"))
	if err != nil || timeout <= 0 {
		return nil, sdk.Config("connectTimeout", "is no positive duration", "write a duration such as 10s")
	}
	if c.Views != "" && c.Views != "read" && c.Views != "leave" {
		return nil, sdk.Config("views", fmt.Sprintf("%.40q is not known", c.Views), "write read or leave")
	}
	address := net.JoinHostPort(strings.ToLower(u.Hostname()), cmp.Or(u.Port(), "3306"))
	p := &parsed{
		address: address, namespace: cmp.Or(c.Namespace, "mysql://"+address), timeout: timeout,
		include: c.Include, exclude: c.Exclude, leave: c.Views == "leave",
		grants: Grants{c.Grants.User, c.Grants.Password, cmp.Or(c.Grants.Database, "souk_grants")},
	}
	switch {
	case c.Grants.User == u.User.Username():
		return nil, sdk.Config("grants.user", "is the user that harvests", "give rights by a user of its own, so that the harvest can give none")
	case c.Grants.User == "" && c.Grants.Password != "":
		return nil, sdk.Config("grants.user", "is empty and has a password", "name the user, or take the secret grants.password away")
	}
	p.driver, err = c.connection(u, address, timeout)
	return p, err
}

// server checks the URL's parts. No message repeats the URL: it may hold a
// password. Whatever stands behind a question mark could weaken the connection.
func (c Config) server() (*url.URL, error) {
	example := "write mysql://USER@HOST:3306"
	u, err := url.Parse(c.URL)
	switch {
	case c.URL == "":
		return nil, sdk.Config("url", "is missing", example)
	case err != nil:
		return nil, sdk.Config("url", "is no URL", example)
	case !slices.Contains([]string{"mysql", "mariadb"}, u.Scheme):
		return nil, sdk.Config("url", "is no URL of MySQL or MariaDB", example)
	}
	if _, has := u.User.Password(); has {
		return nil, sdk.Config("url", "holds a password", "put it into the secret password")
	}
	switch {
	case u.Hostname() == "":
		return nil, sdk.Config("url", "names no host", example)
	case u.User.Username() == "":
		return nil, sdk.Config("url", "names no user", example)
	case strings.Trim(u.Path, "/") != "":
		return nil, sdk.Config("url", "names a database", "take it out of the URL and put it into includeDatabases")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, sdk.Config("url", "has parameters", "take them out; transport says how the connection is secured")
	}
	return u, nil
}
