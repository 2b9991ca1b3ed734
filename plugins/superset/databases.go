package superset

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	names "github.com/souk-mesh/souk/plugins/internal/dataset"
	"github.com/souk-mesh/souk/plugins/internal/sqltext"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// database is a connection of Superset.
type database struct {
	ID      int64  `json:"id"`
	UUID    string `json:"uuid"`
	Name    string `json:"database_name"`
	Backend string `json:"backend"`
}

func (d database) number() int64 { return d.ID }

// placesOf reads the field databases.
func placesOf(databases map[string]string) (map[string]at, error) {
	places := map[string]at{}
	for _, name := range slices.Sorted(maps.Keys(databases)) {
		place, why := placeAt(databases[name])
		if why == "" && place.catalog == "" && !place.Complete() {
			why = "names no database"
		}
		if why != "" {
			return nil, sdk.Config("databases", "the place of the database "+strconv.Quote(name)+" "+why, "write postgres://HOST:PORT/DATABASE, mysql://HOST:PORT, trino://HOST:PORT/CATALOG, bigquery://PROJECT or the like, without user, password and parameters")
		}
		places[name] = place
	}
	return places, nil
}

// placeAt reads an address of a system. Of BigQuery its host is the project.
func placeAt(address string) (at, string) {
	system, why := names.ParseSystem(address)
	a := at{System: system, known: why == ""}
	if project, is := strings.CutPrefix(address, "bigquery://"); is {
		a.catalog, _, _ = strings.Cut(project, "/")
		a.schema = system.Database()
	}
	return a, why
}

// schemas are those that a table is in where nothing else is said.
var schemas = map[string]string{"postgres": "public", "postgresql": "public", "redshift": "public", "mssql": "dbo"}

// at is where the tables of a database are.
type at struct {
	names.System
	known   bool
	catalog string // those of a table of which none is told
	schema  string
	dialect sqltext.Dialect
}

// table is the name of a table in its own system.
func (a at) table(catalog, schema, table string) (sdk.NativeID, bool) {
	if !a.known {
		return sdk.NativeID{}, false
	}
	return a.Table(cmp.Or(catalog, a.catalog), cmp.Or(schema, a.schema), table)
}

// place says where a database is: as the configuration has it, or as Superset
// tells it to those who may change it.
func (h *harvest) place(ctx context.Context, d database) (at, error) {
	a, configured := h.places[d.Name]
	if !configured && !h.untold {
		var answer struct {
			Result struct {
				URI string `json:"sqlalchemy_uri"`
			} `json:"result"`
		}
		err := h.client.Into(ctx, web.Request{Path: fmt.Sprintf("/api/v1/database/%d/connection", d.ID)}, &answer)
		switch status := web.Status(err); {
		case status == http.StatusForbidden || status == http.StatusNotFound || status == http.StatusMethodNotAllowed:
			h.untold = true
		case status == http.StatusInternalServerError: // Superset lacks the driver
		case err != nil:
			return a, err
		}
		a = fromURI(answer.Result.URI)
	}
	a.schema, a.dialect = cmp.Or(a.schema, schemas[d.Backend]), dialect(d.Backend)
	return a, nil
}

// fromURI reads the address by which SQLAlchemy finds a database, such as
// postgresql+psycopg2://user:password@host/database. Nothing of it is kept but the
// host, the port, the database and, for Trino and Snowflake, the schema.
func fromURI(text string) at {
	kind, rest, ok := strings.Cut(text, "://")
	kind, _, _ = strings.Cut(strings.ToLower(kind), "+")
	u, err := url.Parse("x://" + rest)
	if !ok || err != nil || u.Host == "" {
		return at{}
	}
	path := strings.Split(strings.Trim(u.Path, "/"), "/")
	a, _ := placeAt((&url.URL{Scheme: kind, Host: u.Host, Path: "/" + path[0]}).String())
	if len(path) > 1 {
		a.schema = path[1]
	}
	return a
}

// dialect is how the SQL of a database quotes.
func dialect(backend string) sqltext.Dialect {
	d := sqltext.Dialect{Names: "\"`", Texts: "'", Lines: true}
	if slices.Contains([]string{"mysql", "hive", "spark", "databricks", "bigquery", "impala"}, backend) {
		d = sqltext.Dialect{Names: "`", Texts: `'"`, Backslash: true, Lines: true}
	}
	return d
}

// readDatabases emits the databases, and finds out where each is.
func (h *harvest) readDatabases(ctx context.Context) error {
	return part(ctx, h, databaseScope, databaseList, func(d database) error {
		where, err := h.place(ctx, d)
		if err != nil {
			return err
		}
		h.at[d.ID] = where
		if !where.known {
			if err := h.out.Note(sdk.Note{Level: sdk.InfoLevel, Code: "superset.place_unknown", Title: "It is not known where a database is: its tables do not meet those of other sources. Name it in databases.", Sample: d.Name}); err != nil {
				return err
			}
		}
		return h.emit(&sdk.Asset{
			ID: h.id(databaseScope, d.ID), Scope: databaseScope, Kind: "DATABASE", Rank: sdk.Reference, ShortName: d.Name, StableID: stable(databaseScope, d.UUID),
			Properties: sdk.Properties("backend", d.Backend, "system", where.Namespace()),
		})
	})
}
