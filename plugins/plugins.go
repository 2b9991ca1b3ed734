// Package plugins lists the harvesters that ship inside the Souk binary. It
// owns the list and nothing else: each harvester lives in its own package.
package plugins

import (
	"slices"

	"github.com/souk-mesh/souk/plugins/airflow"
	"github.com/souk-mesh/souk/plugins/amundsen"
	"github.com/souk-mesh/souk/plugins/atlas"
	"github.com/souk-mesh/souk/plugins/azureblob"
	"github.com/souk-mesh/souk/plugins/azuredatacatalog"
	"github.com/souk-mesh/souk/plugins/bigquery"
	"github.com/souk-mesh/souk/plugins/datafactory"
	"github.com/souk-mesh/souk/plugins/dataflow"
	"github.com/souk-mesh/souk/plugins/dbt"
	"github.com/souk-mesh/souk/plugins/denodo"
	"github.com/souk-mesh/souk/plugins/dremio"
	"github.com/souk-mesh/souk/plugins/files"
	"github.com/souk-mesh/souk/plugins/gcs"
	"github.com/souk-mesh/souk/plugins/glue"
	"github.com/souk-mesh/souk/plugins/hive"
	"github.com/souk-mesh/souk/plugins/kafka"
	"github.com/souk-mesh/souk/plugins/mongodb"
	"github.com/souk-mesh/souk/plugins/mysql"
	"github.com/souk-mesh/souk/plugins/postgres"
	"github.com/souk-mesh/souk/plugins/rest"
	"github.com/souk-mesh/souk/plugins/s3"
	"github.com/souk-mesh/souk/plugins/sqlite"
	"github.com/souk-mesh/souk/plugins/superset"
	"github.com/souk-mesh/souk/plugins/trino"
	"github.com/souk-mesh/souk/sdk"
)

// All lists the bundled harvesters by name.
func All() []sdk.Registration {
	return []sdk.Registration{
		sdk.Register(airflow.Plugin()),
		sdk.Register(amundsen.Plugin()),
		sdk.Register(atlas.Plugin()),
		sdk.Register(datafactory.Plugin()),
		sdk.Register(dataflow.Plugin()),
		sdk.Register(azureblob.Plugin()),
		sdk.Register(azuredatacatalog.Plugin()),
		sdk.Register(bigquery.Plugin()),
		sdk.Register(dbt.Plugin()),
		sdk.Register(denodo.Plugin()),
		sdk.Register(dremio.Plugin()),
		sdk.Register(files.Plugin()),
		sdk.Register(gcs.Plugin()),
		sdk.Register(glue.Plugin()),
		sdk.Register(hive.Plugin()),
		sdk.Register(kafka.Plugin()),
		sdk.Register(mongodb.Plugin()),
		sdk.Register(mysql.Plugin()),
		sdk.Register(postgres.Plugin()),
		sdk.Register(atlas.Purview()),
		sdk.Register(rest.Plugin()),
		sdk.Register(s3.Plugin()),
		sdk.Register(sqlite.Plugin()),
		sdk.Register(superset.Plugin()),
		sdk.Register(trino.Plugin()),
	}
}

// ByName finds a bundled harvester.
func ByName(name string) (sdk.Registration, bool) {
	all := All()
	i := slices.IndexFunc(all, func(r sdk.Registration) bool { return r.Info().Name == name })
	if i < 0 {
		var none sdk.Registration
		return none, false
	}
	return all[i], true
}
