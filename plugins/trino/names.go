package trino

import (
	"github.com/souk-mesh/souk/plugins/internal/dataset"
	"github.com/souk-mesh/souk/sdk"
)

// systemsOf reads the field catalogs.
func systemsOf(catalogs map[string]string) (map[string]dataset.System, error) {
	systems := map[string]dataset.System{}
	for catalog, address := range catalogs {
		s, why := dataset.ParseSystem(address)
		if why == "" && !s.Complete() {
			why = "names no database"
		}
		if why != "" {
			return nil, sdk.Config("catalogs", "the place of the catalog "+quote(catalog)+" "+why, "write postgres://HOST:PORT/DATABASE, mysql://HOST:PORT, hive://HOST:PORT or the like, without user, password and parameters")
		}
		systems[catalog] = s
	}
	return systems, nil
}

// id is the name of a table: in its own system where that is configured, and
// otherwise in Trino.
func (s *source) id(c catalog, n name) sdk.NativeID {
	if id, known := s.systems[c.name].Table("", n.schema, n.table); known {
		return id
	}
	return s.own(c.name, n.schema, n.table)
}

// own is the name of a catalog, a schema or a table in Trino.
func (s *source) own(parts ...string) sdk.NativeID {
	return sdk.NativeID{Namespace: s.Namespace, Name: sdk.JoinName(parts...)}
}
