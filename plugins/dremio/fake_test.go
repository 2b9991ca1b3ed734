package dremio_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
)

type object = map[string]any

const (
	password = "canary-of-dremio"
	token    = "canary-of-a-token"
)

// fake is a fake of Dremio Software and Cloud, with the whole of what Dremio
// publishes of each answer. It was compared on 2026-11-30 with
//   - https://docs.dremio.com/current/reference/api/catalog/ (26.x, as of 2026-05-05):
//     .../container-folder, .../source, .../source/container-source-config, .../table,
//     .../view, .../lineage, .../wiki, .../tag; and .../reference/api/ for maxChildren,
//     which stores of files ignore, pageToken and tokens;
//   - https://docs.dremio.com/cloud/reference/api/catalog/lineage (Dremio Cloud Classic)
//     for what catalogs with versions do not tell;
//   - dremio/dremio-oss at 04e0387d474f (GenericExceptionMapper, CollaborationHelper)
//     for 400, where an id is none of its own, and the form of an error.
//
// Beneath a path it names things briefly, and gives to the outside the ids of ids.
type fake struct {
	mu      sync.Mutex
	cloud   bool
	number  int // of the token that a password gives
	lasts   int // requests that it is good for; 0 for all
	left    int
	tired   int
	size    int // children of a page
	things  map[string]object
	extra   map[string]object // by path behind the id
	instead map[string]func(w http.ResponseWriter) bool
}

const daily = `{"tableKey":["mart","daily"],"contentId":"9fd4ce8c-0f62-4d3f-9e0b-0b8c7b1f4b7a","versionContext":{"type":"BRANCH","value":"main"}}`

// ids are the forms of ids: a UUID, a text path, and an object with the branch.
var ids = map[string]string{
	"h": "a7b1bc39-bffa-4c30-a5eb-5bdaf5bd0959", "pg": "ed1013cb-4fea-4552-8d43-015215a38bcc", "lake": "2b1be882-7012-4a99-8d6c-82e32e4562e4",
	"sales": "1bcab7b3-ee82-44c1-abcc-e86d56078d4d", "mart": "5c2f0383-540c-462d-816a-a8be8334efe5",
	"pg/public": "dremio:/pg/public", "lake/bucket": "dremio:/lake/bucket", "file": "dremio:/lake/bucket/x.csv", "daily": daily,
	"orders": "3419fa3a-b5b3-4438-b864-a27ec4e18752", "customers": "c9c11d32-0576-4200-5a5b-8c7229cb3d72", "odd": `dremio:/pg/public/a.b "c" 🐪?`,
	"raw": "1acab7b3-ee82-44c1-abcc-e86d56078d4d", "big": "170e211e-4235-4d8d-acb5-3d4dbfe99c75",
	"f": "7f79c068-a3c3-4af7-8cd4-35896ef0a0e0", "self": "598697c2-8be0-4050-9731-53563977a17d",
}

func child(id, kind, more string, path ...string) object {
	c := object{"id": ids[id], "path": path, "type": kind, "tag": "Iz1v71CeTQY=", "createdAt": "2023-02-14T19:28:40.840Z"}
	switch kind {
	case "CONTAINER":
		c["containerType"] = more
	case "DATASET":
		c["datasetType"] = more
	}
	return c
}

// container is a source, a space or a folder.
func container(entity, id string, more object, children ...object) object {
	c := object{
		"entityType": entity, "id": ids[id], "tag": "pRmJ0BQ9SFw=", "children": children, "accessControlList": object{},
		"owner": object{"ownerId": "d01585a2-b267-4d56-9154-31762ab65a43", "ownerType": "USER"}, "permissions": []string{},
	}
	maps.Copy(c, more)
	return c
}

// source is one with what it says of its system.
func source(id, kind string, config object, children ...object) object {
	config["username"], config["password"], config["accessSecret"] = "exampleuser", "$DREMIO_EXISTING_VALUE$", "$DREMIO_EXISTING_VALUE$"
	return container("source", id, object{
		"type": kind, "name": id, "config": config, "createdAt": "2023-02-17T14:32:20.640Z", "metadataPolicy": object{"authTTLMs": 86400000, "deleteUnavailableDatasets": true},
		"state": object{"status": "good", "suggestedUserAction": "", "messages": []string{}}, "accelerationNeverExpire": false, "checkTableAuthorizer": true,
	}, children...)
}

// table is a table or a view. The last of its fields is nested.
func table(id, kind string, path []string, fields ...string) object {
	var all []object
	for _, f := range fields {
		name, of, _ := strings.Cut(f, " ")
		t := object{"name": of}
		switch of {
		case "DECIMAL":
			t["precision"], t["scale"] = 10, 2
		case "LIST":
			t["subSchema"] = []object{{"type": object{"name": "VARCHAR"}}}
		case "STRUCT":
			inner := object{"name": "STRUCT", "subSchema": []object{{"name": "garage", "type": object{"name": "BOOLEAN"}}, {"name": "Price Range", "type": object{"name": "DECIMAL", "precision": 3, "scale": 0}}}}
			t["subSchema"] = []object{{"name": "Parking", "type": inner}}
		}
		all = append(all, object{"name": name, "type": t})
	}
	d := object{
		"entityType": "dataset", "id": ids[id], "type": kind, "path": path, "createdAt": "2024-01-13T19:52:01.894Z", "tag": "cb2905bb-39c0-497f-ae74-4c310d534f25", "fields": all,
		"isMetadataExpired": false, "lastMetadataRefreshAt": "2024-01-31T09:50:01.012Z", "approximateStatisticsAllowed": false, "accessControlList": object{}, "permissions": []string{},
		"accelerationRefreshPolicy": object{"activePolicyType": "PERIOD", "method": "FULL"}, "owner": object{"ownerId": "30fca499-4abc-4469-7142-fc8dd29acac8", "ownerType": "USER"},
	}
	if kind == "VIRTUAL_DATASET" {
		d["sql"], d["sqlContext"] = "select 1", []string{"@dremio"}
	}
	return d
}

func newFake() *fake {
	odd := table("odd", "PHYSICAL_DATASET", []string{"pg", "public", `a.b "c" 🐪?`}, "🐪 VARCHAR")
	odd["id"] = "ebe519ab-20e3-43ff-9b4c-b3ec590c7e65" // listed by its path, until it is first asked for
	orders, customers := child("orders", "DATASET", "PROMOTED", "pg", "public", "orders"), child("customers", "DATASET", "PROMOTED", "pg", "public", "customers")
	return &fake{size: 2, instead: map[string]func(http.ResponseWriter) bool{}, things: map[string]object{
		"": {"data": []object{
			child("h", "CONTAINER", "HOME", "@ana"), child("pg", "CONTAINER", "SOURCE", "pg"), child("lake", "CONTAINER", "SOURCE", "lake"),
			child("mart", "CONTAINER", "SOURCE", "mart"), child("sales", "CONTAINER", "SPACE", "sales"),
		}},
		"pg":          source("pg", "POSTGRES", object{"hostname": "db.example", "port": "5432", "databaseName": "shop", "useSsl": false}, child("pg/public", "CONTAINER", "FOLDER", "pg", "public")),
		"pg/public":   container("folder", "pg/public", object{"path": []string{"pg", "public"}}, orders, customers, child("odd", "DATASET", "PROMOTED", "pg", "public", `a.b "c" 🐪?`)),
		"lake":        source("lake", "S3", object{"rootPath": "/", "whitelistedBuckets": []string{"bucket"}}, child("lake/bucket", "CONTAINER", "FOLDER", "lake", "bucket")),
		"lake/bucket": container("folder", "lake/bucket", object{"path": []string{"lake", "bucket"}}, child("raw", "DATASET", "PROMOTED", "lake", "bucket", "raw"), child("file", "FILE", "", "lake", "bucket", "x.csv"), child("file", "FILE", "", "lake", "bucket", "y.csv")),
		"mart":        source("mart", "NESSIE", object{"nessieEndpoint": "http://nessie.example:19120/api/v2"}, child("daily", "DATASET", "VIRTUAL", "mart", "daily")),
		"sales":       container("space", "sales", object{"name": "sales"}, child("big", "DATASET", "VIRTUAL", "sales", "big"), child("f", "CONTAINER", "FUNCTION", "sales", "f"), child("self", "CONTAINER", "FOLDER", "sales", "self")),
		"self":        container("folder", "self", object{"path": []string{"sales", "self"}}, child("self", "CONTAINER", "FOLDER", "sales", "self")),
		"orders":      table("orders", "PHYSICAL_DATASET", []string{"pg", "public", "orders"}, "id BIGINT", "cents DECIMAL"),
		"customers":   table("customers", "PHYSICAL_DATASET", []string{"pg", "public", "customers"}, "id BIGINT"),
		"odd":         odd,
		"raw":         table("raw", "PHYSICAL_DATASET", []string{"lake", "bucket", "raw"}, "day DATE", "categories LIST", "attributes STRUCT"),
		"daily":       table("daily", "VIRTUAL_DATASET", []string{"mart", "daily"}, "id BIGINT"),
		"big":         table("big", "VIRTUAL_DATASET", []string{"sales", "big"}, "id BIGINT"),
	}, extra: map[string]object{
		"big/collaboration/wiki": {"text": "# Big orders", "version": 1}, "big/collaboration/tag": {"tags": []string{"pii", "gold"}, "version": "1"},
		"sales/collaboration/wiki": {"text": "What Sales sells.", "version": 0},
		"big/graph": {
			"sources": []object{child("pg", "CONTAINER", "SOURCE", "pg")}, "parents": []object{orders, customers, orders},
			"children": []object{child("daily", "DATASET", "VIRTUAL", "mart", "daily")},
		},
	}}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	prefix := "/api/v3/catalog"
	if f.cloud {
		prefix = "/v0/projects/p1/catalog"
	}
	_, ours := strings.CutPrefix(r.URL.Path, prefix)
	switch {
	case r.URL.Path == "/apiv2/login" && !f.cloud:
		f.login(w, r)
		return
	case !ours:
		w.WriteHeader(http.StatusNotFound)
		return
	case !f.allowed(r.Header.Get("Authorization")):
		w.WriteHeader(http.StatusUnauthorized)
		return
	case f.tired > 0:
		f.tired--
		w.WriteHeader(http.StatusTooManyRequests)
		return
	}
	f.left--
	id, path := f.named(r, prefix)
	if other := f.instead[path]; other != nil && other(w) {
		return
	}
	thing, known := f.things[path]
	if !known {
		thing, known = f.extra[path]
	}
	switch _, more, _ := strings.Cut(strings.TrimPrefix(path, "pg/public"), "/"); {
	case known:
		_ = json.NewEncoder(w).Encode(f.page(id, thing, r))
	case more != "" && !isUUID(id): // Dremio's own lookup takes a UUID alone
		refuse(w, http.StatusBadRequest, "Could not find entity with id ["+id+"].")
	default:
		refuse(w, http.StatusNotFound, "Could not find entity with id ["+id+"].")
	}
}

func isUUID(id string) bool { return len(id) == 36 && strings.Count(id, "-") == 4 }

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(object{"errorMessage": message, "moreInfo": ""})
}

// named gives the id of a request, which is one part of its path, and the path by
// which the fake knows what is asked for.
func (f *fake) named(r *http.Request, prefix string) (id, path string) {
	escaped, more, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(r.URL.EscapedPath(), prefix), "/"), "/")
	id, err := url.PathUnescape(escaped)
	if err != nil {
		return "", "?"
	}
	path = id
	for brief, long := range ids {
		if long == id {
			path = brief
		}
	}
	return id, strings.TrimSuffix(path+"/"+more, "/")
}

// page cuts the children of a container, but not those of a store of files.
func (f *fake) page(id string, thing object, r *http.Request) object {
	children, has := thing["children"].([]object)
	if !has || !r.URL.Query().Has("maxChildren") || strings.HasPrefix(id, "dremio:/lake") || thing["type"] == "S3" {
		return thing
	}
	out := maps.Clone(thing)
	at, _ := strconv.Atoi(r.URL.Query().Get("pageToken"))
	end := min(at+f.size, len(children))
	out["children"] = children[at:end]
	if end < len(children) {
		out["nextPageToken"] = strconv.Itoa(end)
	}
	return out
}

func (f *fake) login(w http.ResponseWriter, r *http.Request) {
	var who struct{ UserName, Password string }
	if r.Method != http.MethodPost || json.NewDecoder(r.Body).Decode(&who) != nil || who.UserName != "souk" || who.Password != password {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"errorMessage": "Invalid username or password", "moreInfo": ""}`)
		return
	}
	f.number++
	f.left = f.lasts
	fmt.Fprintf(w, `{"token": "t%d", "userName": "souk", "admin": false}`, f.number)
}

func (f *fake) allowed(sent string) bool {
	if sent == "Bearer "+token {
		return true
	}
	return !f.cloud && sent == fmt.Sprint("_dremiot", f.number) && (f.lasts == 0 || f.left > 0)
}
