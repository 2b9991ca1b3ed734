package mysql_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/plugins/mysql"
	"github.com/souk-mesh/souk/sdk"
)

// TestMySQL8 reads what MySQL 8 answers otherwise than MariaDB.
func TestMySQL8(t *testing.T) {
	m, err := harvest(t, mysql8(t).start(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.notes) != 0 || !slices.Equal(m.done, []string{"server"}) {
		t.Errorf("notes %v, done %v", m.notes, m.done)
	}
	c := m.assets["Shop_1.Customers"]
	var defaults []string
	for _, f := range c.Fields {
		defaults = append(defaults, f.Default)
	}
	if diff := cmp.Diff([]string{"auto_increment", "private", "", "generated always as (upper(`name`)) virtual", "CURRENT_TIMESTAMP"}, defaults); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]sdk.Constraint{{Name: "Customers_chk_1", Kind: sdk.Check, Expression: "(`id` > 0)"}}, c.Constraints); diff != "" {
		t.Error(diff)
	}
	want := []sdk.Index{
		{Name: "PRIMARY", Fields: []string{"id"}, Unique: true, Method: "btree"},
		{Name: "by_name", Fields: []string{"id"}, Expression: "(lower(`name`)), `id`", Method: "btree"},
	}
	if diff := cmp.Diff(want, c.Indexes); diff != "" {
		t.Error(diff)
	}
	if *c.Bytes != 49152 || c.ChangedAt.Format(time.DateOnly) != "2026-11-01" || m.assets["Shop_1.orders"].ChangedAt.Format(time.DateOnly) != "2026-11-02" {
		t.Errorf("%d bytes, changed at %s", *c.Bytes, c.ChangedAt)
	}
	// Capital letters do not count: what reads Shop_1.customers reads Shop_1.Customers.
	if to := m.assets["Shop_1.orders"].ForeignKeys[0].ToName; to != "Shop_1.Customers" {
		t.Errorf("the key leads to %s", to)
	}
	e := m.edges["Shop_1.Customers -> Shop_1.Big"]
	if e == nil || len(e.Fields) != 1 || e.Fields[0] != (sdk.FieldEdge{From: "id", To: "id", Transform: "IDENTITY"}) || m.edges["Shop_1.orders -> Shop_1.Big"] == nil {
		t.Errorf("edges %v", m.edges)
	}
	if diff := cmp.Diff([]sdk.Alias{{Scheme: "openlineage", Namespace: "mysql://fake:3306", Name: "shop_1.customers"}}, c.Aliases); diff != "" {
		t.Error(diff)
	}
}

func TestCapitalsInTheConfiguration(t *testing.T) {
	config := mysql8(t).start(t)
	config.Include = []string{"SHOP_1"}
	m, err := harvest(t, config)
	if err != nil || m.assets["Shop_1.Customers"] == nil || !slices.Equal(m.done, []string{"database:Shop_1"}) {
		t.Errorf("%v, done %v, notes %v", err, m.done, m.notes)
	}
}

// TestPartialRevokes: what is taken from a user again is not listed, and is not gone.
func TestPartialRevokes(t *testing.T) {
	f := mysql8(t)
	f.answers["current_role()"] = [][]any{{"NONE"}}
	f.answers["show grants"] = [][]any{{"GRANT ALL PRIVILEGES ON *.* TO `souk`@`%`"}, {"REVOKE SELECT, REFERENCES ON `Shop_1`.* FROM `souk`@`%`"}}
	delete(f.answers, "show grants for current_user() using `reader`@`%`")
	m, err := harvest(t, f.start(t))
	if err != nil || len(m.done) != 0 || len(m.noted("mysql.no_right")) != 1 {
		t.Errorf("%v, done %v, notes %v", err, m.done, m.notes)
	}
}

// TestAnswersThatBreakOff end the run, and nothing is called complete.
//
// Bad input: half an answer.
func TestAnswersThatBreakOff(t *testing.T) {
	for _, part := range []string{"information_schema.columns where table_schema = 'shop_1'", "information_schema.tables", "information_schema.views", "information_schema.schemata"} {
		f := mysql8(t)
		f.cut = part
		m, err := harvest(t, f.start(t))
		if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Class != sdk.ClassUnavailable || len(m.done) != 0 || len(m.assets) != 0 {
			t.Errorf("%s breaks off: %v, done %v", part, err, m.done)
		}
	}
}

func TestServersThatRefuse(t *testing.T) {
	for _, c := range []struct {
		name  string
		fake  *fake
		class sdk.Class
		code  string
	}{
		{"too many connections", &fake{fails: 1040}, sdk.ClassUnavailable, "mysql.1040"},
		{"not from this machine", &fake{fails: 1130}, sdk.ClassDenied, "mysql.1130"},
		{"silent", &fake{mute: true}, sdk.ClassUnavailable, "unavailable"},
		{"asks for the password as it is", &fake{cleared: true}, sdk.ClassAuth, "mysql.clear_password"},
	} {
		config := c.fake.start(t)
		config.ConnectTimeout = "300ms"
		_, err := harvest(t, config)
		e, ok := errors.AsType[*sdk.Error](err)
		if !ok || e.Class != c.class || e.Code != c.code {
			t.Errorf("%s: %v", c.name, err)
		}
		select {
		case given := <-c.fake.got:
			if strings.Contains(given, "canary-secret") {
				t.Errorf("%s: it got the password", c.name)
			}
		default:
		}
	}
}

// TestAServerWithoutTLS is not signed in to unless an administrator says so.
func TestAServerWithoutTLS(t *testing.T) {
	for _, transport := range []string{"", "verified", "encrypted"} {
		config := mysql8(t).start(t)
		config.Transport = transport
		_, err := harvest(t, config)
		if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Class != sdk.ClassConfig || e.Field != "transport" || e.Code != "mysql.clear" {
			t.Errorf("%q: %v", transport, err)
		}
	}
}

// sized is a MySQL 8 of n tables. To make so many in a real server takes a disk
// minutes.
func sized(t *testing.T, n int) mysql.Config {
	t.Helper()
	f := mysql8(t)
	const fields = "information_schema.columns where table_schema = 'shop_1'"
	f.answers["information_schema.tables"], f.answers[fields] = nil, nil
	for i := range n {
		name := fmt.Sprint("t", i)
		f.answers["information_schema.tables"] = append(f.answers["information_schema.tables"],
			[]any{"Shop_1", name, "BASE TABLE", "InnoDB", "12", "16384", "32768", "2026-11-01T10:00:00Z", nil, "", "0"})
		for c := range 5 {
			f.answers[fields] = append(f.answers[fields], []any{"Shop_1", name, fmt.Sprint("c", c), c + 1, nil, "YES", "int", "", "", ""})
		}
	}
	return f.start(t)
}

// patient is a sink that counts the signs of life.
type patient struct {
	*memory
	signs int
}

func (p *patient) Progress(_, all int64, _ string) error {
	if all == 0 {
		p.signs++
	}
	return nil
}

// TestAServerThatTakesItsTime is waited for, and who looks on is told.
func TestAServerThatTakesItsTime(t *testing.T) {
	t.Parallel() // it waits more than it works
	f := mysql8(t)
	f.late = 4 * time.Second
	p := &patient{memory: newMemory()}
	if err := open(t, f.start(t)).Harvest(t.Context(), sdk.Request{}, p); err != nil || p.signs == 0 {
		t.Errorf("%v, %d signs of life", err, p.signs)
	}
}
