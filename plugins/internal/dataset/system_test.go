package dataset_test

import (
	"strings"
	"testing"

	"github.com/souk-mesh/souk/plugins/internal/dataset"
)

func TestSystemsByTheirAddress(t *testing.T) {
	long := strings.Repeat("x", 300)
	for address, want := range map[string]string{
		"postgres://DB.example/shop":          "postgres://db.example:5432 shop.s.t",
		"postgresql://db:5433/shop/":          "postgres://db:5433 shop.s.t",
		"postgres://db":                       "",
		"mysql://db":                          "mysql://db:3306 s.t",
		"mariadb://db:3307/d":                 "mysql://db:3307 s.t",
		"hive://metastore:9083":               "hive://metastore:9083 s.t",
		"arn:aws:glue:eu-west-1:123456789012": "arn:aws:glue:eu-west-1:123456789012 table/s/t",
		"trino://" + long + ":1/c":            "trino://" + long + ":1 c.s.t",
		"postgres://db/a/b":                   "?",
		"postgres://souk:canary@db/shop":      "?",
		"mysql://db?password=canary":          "?",
		"s3://bucket":                         "?",
		"shop":                                "?",
		"http://db/%zz":                       "?",
		"":                                    "?",
	} {
		s, why := dataset.ParseSystem(address)
		id, ok := s.Table("", "s", "t")
		switch {
		case strings.Contains(why, "canary"):
			t.Error(why)
		case (want == "?") != (why != ""):
			t.Errorf("%s: %q", address, why)
		case why == "" && (ok != (want != "") || ok != s.Complete() || ok && id.Namespace+" "+id.Name != want):
			t.Errorf("%s: %v, %v", address, id, ok)
		}
	}
}

func TestSystemsOfJavaDrivers(t *testing.T) {
	for address, want := range map[string]string{
		"jdbc:postgresql://db.example:5432/shop?user=souk&password=canary":                             "postgres://db.example:5432 shop.s.t",
		"jdbc:postgresql://db/shop":                                                                    "postgres://db:5432 shop.s.t",
		"jdbc:mysql://crm.example:3307/crm?useSSL=true":                                                "mysql://crm.example:3307 s.t",
		"jdbc:mariadb://crm/crm":                                                                       "mysql://crm:3306 s.t",
		"jdbc:sqlserver://sql.example:1433;databaseName=Shop;encrypt=true":                             "mssql://sql.example:1433 Shop.s.t",
		"jdbc:jtds:sqlserver://sql.example/Shop;user=x":                                                "mssql://sql.example:1433 Shop.s.t",
		"jdbc:oracle:thin:@//ora.example:1522/SVC":                                                     "oracle://ora.example:1522 SVC.s.t",
		"jdbc:oracle:thin:@ora.example:1521:SID":                                                       "oracle://ora.example:1521 SID.s.t",
		"jdbc:redshift://c.eu.redshift.amazonaws.com:5439/dev":                                         "redshift://c.eu.redshift.amazonaws.com:5439 dev.s.t",
		"jdbc:trino://trino.example:8443/lake/sales":                                                   "trino://trino.example:8443 lake.s.t",
		"jdbc:hive2://hive.example:10000/default":                                                      "hive://hive.example:10000 s.t",
		"jdbc:oracle:thin:@(DESCRIPTION=(ADDRESS=(HOST=a)(PORT=1521))(CONNECT_DATA=(SERVICE_NAME=b)))": "",
		"jdbc:postgresql://a:5432,b:5432/shop":                                                         "",
		"jdbc:postgresql:shop":                                                                         "",
		"jdbc:derby:memory:x":                                                                          "",
		"jdbc:postgresql://souk:canary@db/shop":                                                        "",
		"${ADDRESS}":                                                                                   "",
		"":                                                                                             "",
	} {
		s, ok := dataset.FromJDBC(address)
		id, named := s.Table("", "s", "t")
		if ok != (want != "") || ok && (!named || id.Namespace+" "+id.Name != want) {
			t.Errorf("%s: %v, %v", address, id, ok)
		}
	}
}

// TestTheDatabaseThatIsTold wins over that of the address; a name that lacks a
// part is none.
func TestTheDatabaseThatIsTold(t *testing.T) {
	shop, _ := dataset.FromJDBC("jdbc:postgresql://db/shop")
	crm, _ := dataset.FromJDBC("jdbc:mysql://db/crm")
	if id, ok := shop.Table("other", "s", "t"); !ok || id.Name != "other.s.t" {
		t.Error(id)
	}
	if id, ok := shop.Table("", "", "t"); ok {
		t.Error(id)
	}
	if id, ok := crm.Table("", "", "t.x"); !ok || id.Name != `crm."t.x"` {
		t.Error(id)
	}
	if id, ok := (dataset.System{}).Table("", "s", "t"); ok {
		t.Error(id)
	}
}
