package trino

import (
	"net/url"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/dataset"
	"github.com/souk-mesh/souk/sdk"
)

// native is where the tables of a catalog really are.
type native struct {
	namespace string
	before    []string // the parts of a name before the schema
	glue      bool
}

// nativesOf reads the field catalogs.
func nativesOf(catalogs map[string]string) (map[string]native, error) {
	natives := map[string]native{}
	for catalog, place := range catalogs {
		n, why := nativeOf(place)
		if why != "" {
			return nil, sdk.Config("catalogs", why+", for the catalog "+quote(catalog), "write postgres://HOST:PORT/DATABASE, mysql://HOST:PORT, hive://HOST:PORT or the like, without user, password and parameters")
		}
		natives[catalog] = n
	}
	return natives, nil
}

// nativeOf reads one place, or says what is wrong with it. It does not repeat
// it: it may hold a password.
func nativeOf(place string) (native, string) {
	if strings.HasPrefix(place, "arn:aws:glue:") {
		return native{namespace: place, glue: true}, ""
	}
	u, err := url.Parse(place)
	switch {
	case err != nil || u.Host == "" || u.Scheme == "":
		return native{}, "holds no address of a system"
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return native{}, "holds more than the address of a system"
	}
	d, known := dataset.FromURI(strings.TrimSuffix(place, "/") + "/x")
	if !known || d.Kind != "TABLE" {
		return native{}, "names a system whose tables have no known names"
	}
	before := sdk.SplitName(d.ID.Name)
	before = before[:len(before)-1]
	needs := slices.Contains([]string{"postgres", "postgresql", "redshift"}, strings.ToLower(u.Scheme))
	switch {
	case needs && len(before) == 0:
		return native{}, "does not name the database"
	case len(before) > 1:
		return native{}, "names more than a database"
	}
	return native{namespace: d.ID.Namespace, before: before}, ""
}

// id is the name of a table: in its own system where that is configured, and
// otherwise in Trino.
func (s *source) id(c catalog, n name) sdk.NativeID {
	place, mapped := s.natives[c.name]
	switch {
	case !mapped:
		return s.own(c.name, n.schema, n.table)
	case place.glue:
		return sdk.NativeID{Namespace: place.namespace, Name: "table/" + n.schema + "/" + n.table}
	}
	return sdk.NativeID{Namespace: place.namespace, Name: sdk.JoinName(append(slices.Clone(place.before), n.schema, n.table)...)}
}

// own is the name of a catalog, a schema or a table in Trino.
func (s *source) own(parts ...string) sdk.NativeID {
	return sdk.NativeID{Namespace: s.Namespace, Name: sdk.JoinName(parts...)}
}
