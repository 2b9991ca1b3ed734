package bigquery_test

import (
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-mesh/souk/plugins/internal/google/googletest"
)

type object = map[string]any

// fake is a fake of BigQuery and of the Resource Manager, written on 2026-11-30 from
// https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/datasets/list, /datasets/get,
// /tables/list and /tables/get beside it, and
// https://docs.cloud.google.com/resource-manager/reference/rest/v1/projects/testIamPermissions.
type fake struct {
	googletest.Door
	mu       sync.Mutex
	size     int // of a page
	rights   []string
	datasets map[string]object            // by name
	tables   map[string]map[string]object // by dataset and name
	instead  map[string]func(http.ResponseWriter)
	asked    int
}

func newFake(public *rsa.PublicKey) *fake {
	f := &fake{
		Door: googletest.Door{Public: public, Now: time.Now}, size: 2, instead: map[string]func(http.ResponseWriter){},
		rights:   []string{"bigquery.datasets.get", "bigquery.tables.get", "bigquery.tables.list"},
		datasets: map[string]object{}, tables: map[string]map[string]object{},
	}
	for _, d := range shopDatasets() {
		f.dataset(d["datasetReference"].(object)["datasetId"].(string), d)
	}
	for _, t := range shopTables() {
		r := t["tableReference"].(object)
		f.table(r["datasetId"].(string), r["tableId"].(string), t)
	}
	return f
}

func (f *fake) dataset(name string, d object) {
	f.datasets[name], f.tables[name] = d, map[string]object{}
}

func (f *fake) table(dataset, name string, t object) {
	t = maps.Clone(t)
	t["numRows"], t["numBytes"], t["lastModifiedTime"] = "3", "120", "1764460800000"
	if t["type"] == nil {
		t["type"] = "TABLE"
	}
	f.tables[dataset][name] = t
}

func reference(dataset, table string) object {
	return object{"projectId": "acme", "datasetId": dataset, "tableId": table}
}

func shopDatasets() []object {
	one := func(name string, more object) object {
		d := object{"kind": "bigquery#dataset", "id": "acme:" + name, "datasetReference": object{"projectId": "acme", "datasetId": name}, "location": "EU"}
		maps.Copy(d, more)
		return d
	}
	return []object{one("shop", object{"description": "What is sold.", "labels": object{"team": "sales", "gold": ""}, "friendlyName": "Shop"}), one("web", nil), one("empty", nil)}
}

func column(name, kind, mode string, more object) object {
	c := object{"name": name, "type": kind, "mode": mode}
	maps.Copy(c, more)
	return c
}

// shopTables are as one makes them; the fake adds what only the service knows.
func shopTables() []object {
	one := func(dataset, name string, columns []object, more object) object {
		t := object{"kind": "bigquery#table", "tableReference": reference(dataset, name)}
		if columns != nil {
			t["schema"] = object{"fields": columns}
		}
		maps.Copy(t, more)
		return t
	}
	event := []object{column("at", "TIMESTAMP", "NULLABLE", nil), column("page", "STRING", "NULLABLE", nil)}
	return []object{
		one("shop", "customers", []object{
			column("id", "INTEGER", "REQUIRED", object{"description": "Once given."}), column("mail", "STRING", "NULLABLE", object{"maxLength": "200", "policyTags": object{"names": []string{"projects/acme/locations/eu/taxonomies/1/policyTags/2"}}}),
		}, object{"description": "Who buys.", "labels": object{"pii": "yes"}, "tableConstraints": object{"primaryKey": object{"columns": []string{"id"}}}}),
		one("shop", "orders", []object{
			column("id", "INTEGER", "REQUIRED", nil), column("customer", "INTEGER", "NULLABLE", nil), column("phones", "STRING", "REPEATED", object{"policyTags": object{"names": []string{"projects/acme/locations/eu/taxonomies/1/policyTags/2"}}}), column("placed", "DATE", "NULLABLE", object{"defaultValueExpression": "CURRENT_DATE()"}), column("total", "NUMERIC", "NULLABLE", object{"precision": "10", "scale": "2"}),
			column("lines", "RECORD", "REPEATED", object{"fields": []object{column("sku", "STRING", "REQUIRED", object{"policyTags": object{"names": []string{"projects/acme/locations/eu/taxonomies/1/policyTags/3"}}}), column("gift", "RECORD", "NULLABLE", object{"fields": []object{column("text", "STRING", "NULLABLE", nil)}})}}),
		}, object{
			"timePartitioning": object{"type": "DAY", "field": "placed"}, "requirePartitionFilter": true, "clustering": object{"fields": []string{"customer"}},
			"tableConstraints": object{"foreignKeys": []object{{"name": "orders.buyer", "referencedTable": reference("shop", "customers"), "columnReferences": []object{{"referencingColumn": "customer", "referencedColumn": "id"}}}}},
		}),
		one("shop", "totals", []object{column("customer", "INTEGER", "NULLABLE", nil)}, object{"type": "VIEW", "view": object{"query": "select customer from `acme.shop.orders` o join shop.customers c on c.id = o.customer join `other-project.lake.events_20260101`", "useLegacySql": false}}),
		one("shop", "gifts", []object{column("sku", "STRING", "NULLABLE", nil), column("words", "STRING", "NULLABLE", nil), column("who", "STRING", "NULLABLE", nil), column("page", "STRING", "NULLABLE", nil)}, object{"type": "VIEW", "view": object{
			"query": "-- bought for others\nSELECT l.sku, upper(l.gift.text) AS words, to_hex(sha256(c.mail)) AS who, e.page\nFROM acme.shop.orders AS o, o.lines AS l\nLEFT JOIN `acme`.shop.`customers` c ON c.id = o.customer\nCROSS JOIN `web.events_*` e WHERE e._TABLE_SUFFIX > '2026'",
		}}),
		one("shop", "old_style", nil, object{"type": "VIEW", "view": object{"query": "SELECT * FROM [acme:shop.orders]", "useLegacySql": true}}),
		one("shop", "daily", []object{column("placed", "DATE", "NULLABLE", nil), column("f0_", "NUMERIC", "NULLABLE", nil)}, object{"type": "MATERIALIZED_VIEW", "materializedView": object{"query": "select placed, sum(total) from shop.orders group by placed"}}),
		one("shop", "orders_kept", nil, object{"type": "SNAPSHOT", "snapshotDefinition": object{"baseTableReference": reference("shop", "orders"), "snapshotTime": "2026-11-30T00:00:00Z"}}),
		one("shop", "orders_copy", nil, object{"cloneDefinition": object{"baseTableReference": reference("shop", "orders"), "cloneTime": "2026-11-30T00:00:00Z"}}),
		one("shop", "files", nil, object{"type": "EXTERNAL", "externalDataConfiguration": object{"sourceFormat": "CSV", "sourceUris": []string{"gs://raw/orders/*.csv"}}}),
		one("web", "events_20261129", event[:1], nil), one("web", "events_20261130", event, nil), one("web", "events_intraday", event, object{"rangePartitioning": object{"field": "at"}}), one("web", "v_20269999", event, nil),
	}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.Opens(w, r) {
		return
	}
	f.asked++
	if other := f.instead[r.URL.Path]; other != nil {
		other(w)
		return
	}
	switch parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/"); {
	case r.URL.Path == "/v1/projects/acme:testIamPermissions" && r.Method == http.MethodPost:
		body, _ := io.ReadAll(r.Body)
		var wanted struct{ Permissions []string }
		_ = json.Unmarshal(body, &wanted)
		_ = json.NewEncoder(w).Encode(object{"permissions": slices.DeleteFunc(wanted.Permissions, func(p string) bool { return !slices.Contains(f.rights, p) })})
	case len(parts) < 5 || strings.Join(parts[:4], "/") != "bigquery/v2/projects/acme" || parts[4] != "datasets" || r.Method != http.MethodGet:
		says(http.StatusNotFound, `{"error": {"code": 404, "message": "Not found", "status": "NOT_FOUND"}}`)(w)
	case len(parts) == 5:
		page(w, r, f.size, "datasets", f.datasets)
	case len(parts) == 6 && f.datasets[parts[5]] != nil:
		_ = json.NewEncoder(w).Encode(f.datasets[parts[5]])
	case len(parts) == 7 && parts[6] == "tables" && f.tables[parts[5]] != nil:
		page(w, r, f.size, "tables", f.tables[parts[5]])
	case len(parts) == 8 && parts[6] == "tables" && f.tables[parts[5]][parts[7]] != nil:
		_ = json.NewEncoder(w).Encode(f.tables[parts[5]][parts[7]])
	default:
		says(http.StatusNotFound, `{"error": {"code": 404, "message": "Not found", "status": "NOT_FOUND"}}`)(w)
	}
}

// page sends a part of a list, whose items lack what only a get has. An empty
// list has no items at all.
func page(w http.ResponseWriter, r *http.Request, size int, items string, all map[string]object) {
	names := slices.Sorted(maps.Keys(all))
	at, _ := strconv.Atoi(r.URL.Query().Get("pageToken"))
	end := min(at+size, len(names))
	body := object{"kind": "bigquery#list", "etag": "x"}
	var list []object
	for _, name := range names[min(at, end):end] {
		one := maps.Clone(all[name])
		for _, key := range []string{"schema", "description", "numRows", "tableConstraints", "view", "materializedView"} {
			delete(one, key)
		}
		list = append(list, one)
	}
	if len(list) > 0 {
		body[items] = list
	}
	if end < len(names) {
		body["nextPageToken"] = strconv.Itoa(end)
	}
	_ = json.NewEncoder(w).Encode(body)
}

func says(status int, text string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.WriteHeader(status)
		fmt.Fprint(w, text)
	}
}

func start(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// sized is a project with a dataset of n tables.
func sized(public *rsa.PublicKey, n int) *fake {
	f := newFake(public)
	f.size = 1000
	f.dataset("many", object{"kind": "bigquery#dataset", "id": "acme:many", "datasetReference": object{"projectId": "acme", "datasetId": "many"}, "location": "EU"})
	for i := range n {
		name := fmt.Sprintf("t%05d_of", i)
		f.table("many", name, object{"tableReference": reference("many", name), "schema": object{"fields": []object{column("id", "INTEGER", "REQUIRED", nil)}}})
	}
	return f
}
