package trino_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/doors/trino"
	"github.com/souk-mesh/souk/server/store"
)

const (
	ordersTable = `{"table":{"catalogName":"pg","schemaName":"public","tableName":"orders","columns":["email","region"]}}`
	draftsTable = `{"table":{"catalogName":"pg","schemaName":"public","tableName":"drafts","columns":["id"]}}`
	strange     = `{"table":{"catalogName":"lake","schemaName":"x","tableName":"y"}}`
	schemaTable = `{"table":{"catalogName":"pg","schemaName":"information_schema","tableName":"tables"}}`
)

func on(operation, resource string) string {
	return `{"operation":"` + operation + `","resource":` + resource + `}`
}

// TestAllow asks what Trino asks for its statements, one by one.
func TestAllow(t *testing.T) {
	w := newWorld(t)
	c := w.serve(trino.Deny)
	for _, q := range []struct{ name, user, action, want string }{
		{"query", "ana", `{"operation":"ExecuteQuery"}`, "true"},
		{"query of a stranger", "nobody", `{"operation":"ExecuteQuery"}`, "false"},
		{"query of a suspended", "sue", `{"operation":"ExecuteQuery"}`, "false"},
		{"catalog", "ana", on("AccessCatalog", `{"catalog":{"name":"pg"}}`), "true"},
		{"show schemas", "ana", on("ShowSchemas", `{"catalog":{"name":"pg"}}`), "true"},
		{"show tables", "ana", on("ShowTables", `{"schema":{"catalogName":"pg","schemaName":"public"}}`), "true"},
		{"select", "ana", on("SelectFromColumns", ordersTable), "true"},
		{"select without a rule", "eve", on("SelectFromColumns", ordersTable), "false"},
		{"select with a duty that Trino cannot carry out", "bo", on("SelectFromColumns", ordersTable), "false"},
		{"select of a suspended", "sue", on("SelectFromColumns", ordersTable), "false"},
		{"select of a stranger", "nobody", on("SelectFromColumns", ordersTable), "false"},
		{"select what nobody offers", "ana", on("SelectFromColumns", draftsTable), "false"},
		{"select what nobody knows", "ana", on("SelectFromColumns", strange), "false"},
		{"list of tables", "ana", on("SelectFromColumns", schemaTable), "true"},
		{"list of tables for a stranger", "nobody", on("SelectFromColumns", schemaTable), "false"},
		{"columns", "eve", on("ShowColumns", ordersTable), "true"},
		{"view over it", "ana", on("CreateViewWithSelectFromColumns", ordersTable), "false"},
		{"insert", "ana", on("InsertIntoTable", ordersTable), "false"},
		{"rename", "ana", `{"operation":"RenameTable","resource":` + ordersTable + `,"targetResource":` + strange + `}`, "false"},
		{"grant to another", "ana", `{"operation":"SetTableAuthorization","resource":` + ordersTable + `,"grantee":{"name":"eve","type":"USER"}}`, "false"},
		{"impersonate", "ana", on("ImpersonateUser", `{"user":{"user":"bo"}}`), "false"},
		{"own query", "ana", on("KillQueryOwnedBy", `{"user":{"user":"ana"}}`), "true"},
		{"query of another", "ana", on("KillQueryOwnedBy", `{"user":{"user":"bo"}}`), "false"},
		{"built-in function", "ana", on("ExecuteFunction", `{"function":{"catalogSchema":{"catalogName":"system","schemaName":"builtin"},"functionName":"lower"}}`), "true"},
		{"SQL for the database behind", "ana", on("ExecuteFunction", `{"function":{"catalogSchema":{"catalogName":"pg","schemaName":"system"},"functionName":"query"}}`), "false"},
		{"system information", "ana", `{"operation":"ReadSystemInformation"}`, "false"},
		{"new operation", "ana", on("TeleportTable", ordersTable), "false"},
	} {
		if got := c.ask("allow", q.user, q.action); got != q.want {
			t.Errorf("%s: got %s, want %s", q.name, got, q.want)
		}
	}
}

// TestMembersAreExact has questions that two readers would read in two ways.
func TestMembersAreExact(t *testing.T) {
	w := newWorld(t)
	c := w.serve(trino.Deny)
	ana := `{"context":{"identity":{"user":"ana"}},"action":` + on("SelectFromColumns", ordersTable) + `}`
	eve := strings.Replace(ana, "ana", "eve", 1)
	for body, want := range map[string]string{
		`{"input":` + eve + `,"INPUT":` + ana + `}`:                                         "INPUT: differs from input",
		`{"input":` + eve + `,"input":` + ana + `}`:                                         "input: is given twice",
		`{"input":` + strings.Replace(eve, `"eve"`, `"eve","User":"ana"`, 1) + `}`:          "input.context.identity.User: differs from user",
		`{"input":` + strings.Replace(eve, `"orders"`, `"x","tableName":"orders"`, 1) + `}`: "tableName: is given twice",
	} {
		status, text := c.post("allow", body)
		if status != http.StatusBadRequest || !strings.Contains(text, want) {
			t.Errorf("%s: got %d %s, want %q", body, status, text, want)
		}
	}
	later := `{"labels":{"a":1},"input":` + strings.Replace(ana, `"user":"ana"`, `"user":"ana","nextYear":true`, 1) + `}`
	if status, text := c.post("allow", later); status != http.StatusOK {
		t.Errorf("members of a later version: got %d %s", status, text)
	}
}

// TestUnknownTables follows the setting.
func TestUnknownTables(t *testing.T) {
	w := newWorld(t)
	for unknown, want := range map[trino.Unknown][5]string{
		trino.Deny:        {"false", "false", "false", "false", `[{"expression":"false"}]`},
		trino.AllowRead:   {"true", "false", "false", "false", `[]`},
		trino.Passthrough: {"true", "true", "false", "true", `[]`},
	} {
		c := w.serve(unknown)
		got := [5]string{
			c.ask("allow", "ana", on("SelectFromColumns", strange)), c.ask("allow", "ana", on("InsertIntoTable", strange)),
			c.ask("allow", "ana", on("InsertIntoTable", ordersTable)), c.ask("allow", "nobody", on("SelectFromColumns", strange)),
			c.ask("rowFilters", "ana", on("GetRowFilters", strange)),
		}
		if got != want {
			t.Errorf("%s: got %v, want %v", unknown, got, want)
		}
	}
	if trino.Unknown("perhaps").Validate() == nil {
		t.Error("perhaps is a setting")
	}
}

// TestBatch gives the indices of what may be seen.
func TestBatch(t *testing.T) {
	w := newWorld(t)
	c := w.serve(trino.Deny)
	filter := func(operation string, resources ...string) string {
		return `{"operation":"` + operation + `","filterResources":[` + strings.Join(resources, ",") + `]}`
	}
	for _, q := range []struct{ user, action, want string }{
		{"ana", filter("FilterTables", draftsTable, ordersTable, strange, schemaTable), "[1,3]"},
		{"nobody", filter("FilterTables", ordersTable, schemaTable), "[]"},
		{"ana", filter("FilterCatalogs", `{"catalog":{"name":"pg"}}`, `{"catalog":{"name":"system"}}`), "[0,1]"},
		{"ana", filter("FilterSchemas", `{"schema":{"catalogName":"pg","schemaName":"public"}}`), "[0]"},
		{"ana", filter("FilterColumns", ordersTable), "[0,1]"},
		{"ana", filter("FilterColumns", draftsTable), "[]"},
		{"ana", filter("FilterColumns"), "[]"},
		{"ana", filter("FilterViewQueryOwnedBy", `{"user":{"user":"bo"}}`, `{"user":{"user":"ana"}}`), "[1]"},
		{"ana", filter("FilterFunctions", `{"function":{"catalogSchema":{"catalogName":"pg","schemaName":"system"},"functionName":"query"}}`), "[]"},
		{"ana", filter("FilterWishes", ordersTable), "[]"},
	} {
		if got := c.ask("batch", q.user, q.action); got != q.want {
			t.Errorf("%s %s: got %s, want %s", q.user, q.action, got, q.want)
		}
	}
}

// TestRowFilters renders typed obligations, and lets no value out of its quotes.
func TestRowFilters(t *testing.T) {
	w := newWorld(t)
	c := w.serve(trino.Deny)
	for user, want := range map[string]string{
		"ana":     `[{"expression":"\"amount\" \u003c 1000"},{"expression":"\"region\" = 'it''s \"EU\"'"}]`,
		"eve":     `[{"expression":"false"}]`,
		"bo":      `[{"expression":"false"}]`,
		"nobody":  `[{"expression":"false"}]`,
		"mallory": `[{"expression":"false"},{"expression":"\"x\"\" = \"\"x\"\" OR 1=1 --\" = ''' OR true --'"}]`,
	} {
		if got := c.ask("rowFilters", user, on("GetRowFilters", ordersTable)); got != want {
			t.Errorf("%s:\n got %s\nwant %s", user, got, want)
		}
	}
	if got := c.ask("rowFilters", "ana", on("GetRowFilters", schemaTable)); got != "[]" {
		t.Errorf("information_schema: got %s", got)
	}
}

func col(name, typ string) string {
	return `{"column":{"catalogName":"pg","schemaName":"public","tableName":"orders","columnName":"` + name + `","columnType":"` + typ + `"}}`
}

// TestColumnMasks asks for one column and for all at once.
func TestColumnMasks(t *testing.T) {
	w := newWorld(t)
	c := w.serve(trino.Deny)
	const (
		hashed = `"expression":"CAST(to_hex(sha256(to_utf8(CAST(\"email\" AS varchar)))) AS varchar(40))"`
		half   = `"expression":"CAST(concat('****', if(length(CAST(\"phone\" AS varchar)) \u003e 8, substr(CAST(\"phone\" AS varchar), -4), '')) AS varchar)"`
		hidden = `"expression":"NULL"`
	)
	for _, q := range []struct{ user, column, want string }{
		{"ana", col("email", "varchar(40)"), "{" + hashed + "}"},
		{"ana", col("phone", "varchar"), "{" + half + "}"},
		{"ana", col("amount", "decimal(10,2)"), "{" + hidden + "}"},
		{"ana", col("email", "varchar) OR (1=1"), "{" + hidden + "}"},
		{"ana", col("region", "varchar(10)"), "null"},
		{"eve", col("region", "varchar(10)"), "{" + hidden + "}"},
	} {
		if got := c.ask("columnMask", q.user, on("GetColumnMask", q.column)); got != q.want {
			t.Errorf("%s %s:\n got %s\nwant %s", q.user, q.column, got, q.want)
		}
	}
	all := `{"operation":"GetColumnMask","filterResources":[` + col("region", "varchar(10)") + "," + col("email", "varchar(40)") + "," + col("amount", "decimal(10,2)") + `]}`
	if got, want := c.ask("batchColumnMasks", "ana", all), `[{"index":1,"viewExpression":{`+hashed+`}},{"index":2,"viewExpression":{`+hidden+`}}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestTablesCloseToWhoCarriesNothing asks as a Trino that was set up without the
// endpoints for filters and masks: what has a mandatory one is closed to it.
func TestTablesCloseToWhoCarriesNothing(t *testing.T) {
	w := newWorld(t)
	c := w.serve(trino.Deny)
	c.query = ""
	lists := `{"operation":"FilterTables","filterResources":[` + ordersTable + `]}`
	for _, q := range []struct{ endpoint, user, action, want string }{
		{"allow", "ana", on("SelectFromColumns", ordersTable), "false"},
		{"batch", "ana", lists, "[]"},
		{"allow", "sid", on("SelectFromColumns", ordersTable), "true"},
		{"batch", "sid", lists, "[0]"},
		{"rowFilters", "sid", on("GetRowFilters", ordersTable), "[]"},
	} {
		if got := c.ask(q.endpoint, q.user, q.action); got != q.want {
			t.Errorf("%s of %s: got %s, want %s", q.endpoint, q.user, got, q.want)
		}
	}
	if status, _ := c.post("allow?obligations=perhaps", `{"input":{"context":{"identity":{"user":"ana"}},"action":{"operation":"ExecuteQuery"}}}`); status != http.StatusBadRequest {
		t.Errorf("perhaps: got %d", status)
	}
}

// TestPurposeComesFromTheGrant reads confidential data, for which Trino has no
// word of purpose.
func TestPurposeComesFromTheGrant(t *testing.T) {
	w := newWorld(t)
	c := w.serve(trino.Deny)
	p, err := store.Products.Get(t.Context(), w.Store, w.orders.ID)
	must(t, err)
	p.Classification = model.Confidential
	w.Put(store.Products.Put(p))
	selects := on("SelectFromColumns", ordersTable)
	if got := c.ask("allow", "mallory", selects); got != "false" {
		t.Errorf("confidential data without a purpose: got %s", got)
	}
	stated := `{"input":{"context":{"identity":{"user":"mallory","extraCredentials":{"purpose":"billing"}}},"action":` + selects + `}}`
	if _, text := c.post("allow"+c.query, stated); text != `{"result":true}` {
		t.Errorf("a stated purpose: got %s", text)
	}
	w.Put(store.Grants.Put(model.Grant{
		Meta: model.Meta{ID: model.NewID(model.PrefixGrant)}, ProductID: p.ID, DomainID: p.DomainID, PrincipalID: w.People["eve"].ID, Purpose: "fraud",
		Status: model.GrantActive, StartsAt: time.Now().Add(-time.Hour), EndsAt: time.Now().Add(time.Hour),
	}))
	if got := c.ask("allow", "eve", selects); got != "true" {
		t.Errorf("the holder of a grant: got %s", got)
	}
}

// TestTrinoIsToldOfErrors fails the query of a coordinator that may not ask or
// whose question makes no sense.
func TestTrinoIsToldOfErrors(t *testing.T) {
	w := newWorld(t)
	c := w.serve(trino.Deny)
	for _, body := range []string{
		``, `{}`, `{"input":7}`, `{"input":{"context":{"identity":{}},"action":{"operation":"ExecuteQuery"}}}`,
		`{"input":{"context":{"identity":{"user":"ana"}},"action":{}}}`,
	} {
		if status, text := c.post("allow", body); status != http.StatusBadRequest {
			t.Errorf("%s: got %d %s", body, status, text)
		}
	}
	c.token = w.tokens["plain"]
	question := `{"input":{"context":{"identity":{"user":"ana"}},"action":` + on("SelectFromColumns", ordersTable) + `}}`
	if status, text := c.post("allow", question); status != http.StatusForbidden {
		t.Errorf("a service that enforces nothing: got %d %s", status, text)
	}
}
