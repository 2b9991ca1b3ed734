// Package mariadbtest lends tests a real MariaDB, with a user that gives rights by
// the script of the plugin's page. It refuses to stand in for a server that is not there.
package mariadbtest

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"strings"
	"testing"

	driver "github.com/go-sql-driver/mysql"

	"github.com/souk-mesh/souk/plugins/mysql"
)

// Server is the one that SOUK_TEST_MARIADB_URL names, which CI always has.
type Server struct {
	Admin *sql.DB
	URL   *url.URL

	t *testing.T
}

// Open signs in as its administrator, or skips.
func Open(t *testing.T) *Server {
	t.Helper()
	address := os.Getenv("SOUK_TEST_MARIADB_URL")
	switch {
	case address != "":
	case os.Getenv("SOUK_TEST_SKIP") == "never":
		t.Fatal("SOUK_TEST_MARIADB_URL is not set, and SOUK_TEST_SKIP forbids to skip")
	default:
		t.Skip("SOUK_TEST_MARIADB_URL is not set; .ci/mariadb starts a server and prints it")
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal("SOUK_TEST_MARIADB_URL is no URL")
	}
	s := &Server{URL: u, t: t}
	password, _ := u.User.Password()
	s.Admin = s.As(u.User.Username(), password)
	return s
}

// As signs in as somebody, on one connection that ends with the test.
func (s *Server) As(user, password string) *sql.DB {
	s.t.Helper()
	c := driver.NewConfig()
	c.User, c.Passwd, c.Net, c.Addr, c.MultiStatements = user, password, "tcp", s.URL.Host, true
	connector, err := driver.NewConnector(c)
	if err != nil {
		s.t.Fatal(err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	s.t.Cleanup(func() { _ = db.Close() })
	return db
}

// Run runs statements as the administrator.
func (s *Server) Run(statements ...string) {
	s.t.Helper()
	for _, q := range statements {
		if _, err := s.Admin.ExecContext(s.t.Context(), q); err != nil {
			s.t.Fatalf("%.200s: %v", q, err)
		}
	}
}

// After runs statements when the test is over.
func (s *Server) After(statements ...string) {
	s.t.Cleanup(func() {
		for _, q := range statements {
			if _, err := s.Admin.ExecContext(context.Background(), q); err != nil {
				s.t.Errorf("%.200s: %v", q, err)
			}
		}
	})
}

// Granter makes the user that gives rights on a table, with its database.
func (s *Server) Granter(user, password, database, table string) {
	s.t.Helper()
	_, text, _ := strings.Cut(mysql.Plugin().Info.Doc, "## Giving rights")
	_, text, _ = strings.Cut(text, "```sql\n")
	text, _, found := strings.Cut(text, "```")
	if !found {
		s.t.Fatal("the page has no script")
	}
	text = strings.NewReplacer(`souk\_grants`, strings.ReplaceAll(database, "_", `\_`), "souk_grants'", user+"'", "souk_grants", database, "...", password, "`shop`.`orders`", table).Replace(text)
	for line := range strings.SplitSeq(text, "\n") {
		if statement, _, ends := strings.Cut(line, ";"); ends {
			s.Run(statement)
		}
	}
	s.After("drop user "+user, "drop database "+database)
}
