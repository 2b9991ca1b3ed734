package metastore

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Format is the format of a table: of its kind where it has one, or of its files.
func Format(parameters map[string]string) string {
	if kind := strings.ToLower(parameters["table_type"]); kind != "" {
		return kind
	}
	return strings.ToLower(cmp.Or(parameters["spark.sql.sources.provider"], parameters["classification"]))
}

// Parameters that have a place of their own, that tools keep for themselves, or
// that change with every write.
var (
	placed   = []string{"comment", "UPDATED_BY_CRAWLER", "classification", "numRows", "recordCount", "totalSize", "sizeKey", "rawDataSize", "table_type", "EXTERNAL"}
	internal = []string{"spark.sql.", "CrawlerSchema", "CRAWL_", "presto_", "trino_", "transient_lastDdlTime", "metadata_location", "previous_metadata_location", "current-snapshot-", "snapshot-count", "COLUMN_STATS_ACCURATE", "numFiles", "objectCount", "averageRecordSize", "last_modified_", "STATS_GENERATED"}
)

// mostWords are how many parameters are kept.
const mostWords = 100

// LongWord is how long a parameter may be with its name; a longer one is left out.
const LongWord = 1000

// Words adds the parameters that people or tools have given.
func Words(all map[string]string, parameters map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		value := parameters[name]
		if len(all) >= mostWords || value == "" || len(name)+len(value) > LongWord || all[name] != "" || slices.Contains(placed, name) {
			continue
		}
		if !slices.ContainsFunc(internal, func(p string) bool { return strings.HasPrefix(name, p) }) {
			all[name] = value
		}
	}
}

// Count is the first of the parameters that is a count.
func Count(parameters map[string]string, names ...string) *int64 {
	for _, name := range names {
		if n, err := strconv.ParseInt(parameters[name], 10, 64); err == nil && n >= 0 {
			return &n
		}
	}
	return nil
}
