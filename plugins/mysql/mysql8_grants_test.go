package mysql_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/plugins/mysql"
	"github.com/souk-mesh/souk/sdk"
)

// grants8 adds what MySQL 8 answers of rights: names of databases in small letters,
// as lower_case_table_names 2 wants, and roles that are accounts with a host. The table
// of MariaDB's roles is not there: to ask for it is an error.
func grants8(f *fake) {
	maps.Copy(f.answers, map[string][][]any{
		"select current_user()":                                            {{"souk_grants@%"}},
		"from mysql.user where user = 'dan'":                               {{"dan", "%", "0", "0", "0", "0"}},
		"from mysql.user where user = 'souk_grants'":                       {{"souk_grants", "%", "0", "0", "0", "0"}},
		"from mysql.user where user = 'reader'":                            {{"reader", "%", "1", "0", "0", "0"}},
		"order by ordinal_position":                                        {{"Shop_1", "Orders", "id", "int", "int"}, {"Shop_1", "Orders", "kind", "varchar", "varchar(20)"}},
		"mysql.tables_priv where db = 'shop_1' and table_name = 'orders'":  {{"souk_grants", "%", "shop_1", "orders", "1", "1", "root@localhost"}},
		"mysql.tables_priv where db = 'souk_grants' and table_name = 'g1'": nil,
		"from mysql.columns_priv c":                                        nil,
		"from mysql.db where":                                              nil,
		"from `souk_grants`.`given`":                                       nil,
		"from information_schema.views where table_schema = 'souk_grants'": nil,
		"from mysql.role_edges where to_user = 'dan' and to_host = '%'":    {{"reader", "%"}},
		"from mysql.role_edges where to_user = 'reader' and to_host = '%'": nil,
		"from mysql.proxies_priv where user = 'dan' and host = '%'":        nil,
		"from mysql.proxies_priv where user = 'reader' and host = '%'":     nil,
	})
	delete(f.answers, "information_schema.views")
}

// TestGrantsOfMySQL8 are planned and verified by what it answers otherwise.
func TestGrantsOfMySQL8(t *testing.T) {
	f := mysql8(t)
	grants8(f)
	config := f.start(t)
	config.Grants = mysql.Grants{User: "souk", Password: "canary-secret"}
	config.URL = strings.Replace(config.URL, "souk@", "harvester@", 1)
	granter := open(t, config).(sdk.Granter)
	g := sdk.Grant{ID: "g1", Asset: sdk.NativeID{Namespace: "mysql://fake:3306", Name: "Shop_1.Orders"}, Role: "dan", Fields: []string{"kind"}}
	plan, err := granter.PlanGrant(t.Context(), sdk.GrantRequest{Grant: g})
	if err != nil {
		t.Fatal(err)
	}
	if want := "GRANT SELECT (`kind`) ON `shop_1`.`orders` TO `dan`@`%`"; len(plan.Statements) != 2 || plan.Statements[1] != want {
		t.Errorf("planned %q, want %q", plan.Statements, want)
	}
	found, err := granter.VerifyGrant(t.Context(), g)
	ways := []sdk.Way{{Kind: sdk.ByOther, Through: "SELECT ON *.* of `reader`@`%`"}}
	if err != nil || found.Given || !slices.Equal(found.Readable, []string{"id", "kind"}) || cmp.Diff(ways, found.Ways) != "" {
		t.Errorf("%+v, %v", found, err)
	}
}
