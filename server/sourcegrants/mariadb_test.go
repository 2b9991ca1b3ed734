package sourcegrants_test

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/plugins/mysql/mariadbtest"
	"github.com/souk-mesh/souk/server/sourcegrants"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// mariadb is a company whose source is a real MariaDB.
type mariadb struct {
	*world

	server *mariadbtest.Server
	reader *sql.DB // as dan
	name   string
}

func newMariaDB(t *testing.T, rules map[string]string) *mariadb {
	t.Helper()
	m := &mariadb{server: mariadbtest.Open(t), world: newCompany(t, rules), name: fmt.Sprintf("souk_rights_%x", rand.Uint64())}
	m.server.Run("create database "+m.name, "create table "+m.name+".orders (id int, email varchar(60), secret text)",
		"insert into "+m.name+".orders values (1, 'eve@acme.example', 'x')", "create user "+m.name+"_dan identified by 'canary-dan'")
	m.server.After("drop database "+m.name, "drop user "+m.name+"_dan")
	m.writer, m.role = m.name+"_writer", "'"+m.name+"_dan'@'%'"
	m.server.Granter(m.writer, "canary-writer", m.name+"_grants", m.name+".orders")
	m.harvested("mysql", m.name+".orders", map[string]any{
		"url": "mysql://souk@" + m.server.URL.Host, "namespace": "mysql://shop", "transport": "encrypted", "grants": map[string]string{"user": m.writer, "database": m.name + "_grants"},
	})
	m.reader = m.server.As(m.name+"_dan", "canary-dan")
	return m
}

// may tells whether dan can run the query.
func (m *mariadb) may(query string) bool {
	m.Helper()
	_, err := m.reader.ExecContext(m.Context(), query)
	if told, ok := errors.AsType[*driver.MySQLError](err); ok && (told.Number == 1142 || told.Number == 1143) {
		return false
	}
	m.Must(err)
	return true
}

// TestMariaDBOnMongoDB tells the story again by what the other engine keeps.
func TestMariaDBOnMongoDB(t *testing.T) {
	open = enginetest.MongoDB
	defer func() { open = enginetest.SQLite }()
	t.Run("story", TestAGrantInMariaDB)
}

// TestAGrantInMariaDB is given after the approval, exactly, drifts and is
// repaired, and is taken away when it is over or its time is.
func TestAGrantInMariaDB(t *testing.T) {
	m := newMariaDB(t, nil)
	m.world.name()
	g, orders := m.grant(), m.name+".orders"
	if m.may("select id from " + orders) {
		t.Fatal("dan reads before anything was given")
	}
	m.tend()
	row := m.expect(model.SourceGrantApplied, "")
	for query, want := range map[string]bool{"select id, email from " + orders: true, "select secret from " + orders: false, "select * from " + orders: false} {
		if m.may(query) != want {
			t.Errorf("%s: got %t", query, !want)
		}
	}
	if row.Reads != orders || len(row.Statements) != 2 || row.DecisionID == "" {
		t.Errorf("the row does not tell what was done: %+v", row)
	}
	m.server.Run("revoke select (id) on " + orders + " from " + m.role)
	m.Turn(time.Hour)
	m.tend()
	if row = m.row(); len(row.Drift) != 1 || !strings.HasPrefix(row.Drift[0], "GRANT SELECT (`id`)") || m.may("select id from "+orders) {
		t.Errorf("the drift is %v", row.Drift)
	}
	_, err := m.grants.Repair(m.As("ana"), sourcegrants.Repair{ID: row.ID, Seen: row.Revision})
	m.Must(err)
	m.tend()
	if row = m.expect(model.SourceGrantApplied, ""); len(row.Drift) > 0 || !m.may("select id from "+orders) {
		t.Errorf("it is not repaired: %+v", row)
	}
	_, err = m.Access.Revoke(m.As("ana"), g.ID, "over")
	m.Must(err)
	m.tend()
	if m.expect(model.SourceGrantRevoked, ""); m.may("select id from " + orders) {
		t.Error("dan still reads")
	}
}

// TestAnExpiredGrantInMariaDB is taken away with its view, by the clock.
func TestAnExpiredGrantInMariaDB(t *testing.T) {
	m := newMariaDB(t, map[string]string{"domains/sales/mask.rego": open4all + `
obligations contains {"id": "sales.mask", "type": "mask", "params": {"field": "email", "with": "null"}} if input.action.name == "data.read"
`})
	m.world.name()
	m.grant()
	m.tend()
	row := m.expect(model.SourceGrantApplied, "")
	if row.Reads == "" || !m.may("select id, email from "+row.Reads) || m.may("select id from "+m.name+".orders") {
		t.Errorf("dan does not read the view alone: %+v", row)
	}
	m.server.Run("grant select on " + m.name + ".orders to " + m.role)
	m.Turn(31 * 24 * time.Hour)
	m.Must(m.Access.Sweep(m.System()))
	m.tend()
	over := m.expect(model.SourceGrantRevoked, "")
	if m.may("select id from "+row.Reads) || !strings.Contains(strings.Join(over.Remarks, " "), "more than Souk gives it: id, email, secret, by grant.") {
		t.Errorf("after the end: %+v", over)
	}
}

// TestTakeOverInMariaDB: what another hand has given stays until somebody says
// otherwise, and then ends with the grant; what the grant is not about stays.
func TestTakeOverInMariaDB(t *testing.T) {
	m := newMariaDB(t, nil)
	orders := m.name + ".orders"
	m.server.Run("grant select (id, secret) on " + orders + " to " + m.role)
	m.world.name()
	g := m.grant()
	m.tend()
	row := m.expect(model.SourceGrantApplied, "")
	if text := strings.Join(row.Remarks, " "); row.TakesOver || !strings.Contains(text, "Somebody else has given the account this") {
		t.Fatalf("got %+v", row)
	}
	m.revoke(g)
	if m.may("select email from "+orders) || !m.may("select id, secret from "+orders) {
		t.Error("Souk has taken what it did not give, or left what it gave")
	}
	g = m.grant()
	m.tend()
	row = m.onlyApplied()
	_, err := m.grants.Repair(m.As("ana"), sourcegrants.Repair{ID: row.ID, Seen: row.Revision, TakesOver: true})
	m.Must(err)
	if e := m.Last(); e.Action != "source_grant.take_over" || e.DecisionID == "" {
		t.Errorf("got %+v", e)
	}
	m.tend()
	if row = m.onlyApplied(); !row.TakesOver || len(row.Drift) > 0 || !m.may("select id, email from "+orders) {
		t.Errorf("it is not taken over: %+v", row)
	}
	m.revoke(g)
	if m.may("select id from "+orders) || !m.may("select secret from "+orders) {
		t.Error("what was taken over stays, or what the grant was not about is gone")
	}
}
