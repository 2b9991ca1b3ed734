package glue

import (
	"maps"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/dataset"
	"github.com/souk-mesh/souk/plugins/internal/metastore"
	"github.com/souk-mesh/souk/sdk"
)

// Words in the name of an argument that tell which way its value goes. The name
// is the author's own, so that this is a guess, and the edge says so.
var (
	inward  = []string{"input", "source", "src", "read", "in"}
	outward = []string{"output", "target", "dest", "destination", "sink", "tgt", "write", "out"}
	inner   = []string{"--tempdir", "--extra-", "--spark-event-logs-path", "--scriptlocation", "--additional-python-modules", "--conf", "--enable-", "--job-", "--class", "--python-", "--datalake-formats"}
)

const (
	argued = "glue.argument" // the method of an edge that an argument tells
	likely = 0.6             // the confidence of it
)

// arguments emits where the arguments of a job lead: to places in a store, and
// to tables where one argument names the database and another the table.
func (h *harvest) arguments(job sdk.NativeID, given []map[string]string) error {
	for _, arguments := range given {
		for _, name := range slices.Sorted(maps.Keys(arguments)) {
			way := direction(name)
			if way == 0 {
				continue
			}
			ids, err := h.argued(arguments, name)
			if err != nil {
				return err
			}
			for _, id := range ids {
				if way > 0 {
					err = h.writes(job, id, argued, likely)
				} else {
					err = h.reads(job, id, argued, likely)
				}
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// direction is -1 for what a job reads, 1 for what it writes and 0 for anything
// else.
func direction(name string) int {
	lower := strings.ToLower(name)
	if slices.ContainsFunc(inner, func(p string) bool { return strings.HasPrefix(lower, p) }) {
		return 0
	}
	way := 0
	for _, word := range strings.FieldsFunc(lower, func(r rune) bool { return r == '-' || r == '_' || r == '.' }) {
		switch {
		case slices.Contains(inward, word):
			way--
		case slices.Contains(outward, word):
			way++
		}
	}
	return max(-1, min(1, way))
}

// argued are the things that the value of an argument names.
func (h *harvest) argued(arguments map[string]string, name string) ([]sdk.NativeID, error) {
	value := strings.TrimSpace(arguments[name])
	var all []sdk.NativeID
	for text := range strings.SplitSeq(value, ",") {
		var d dataset.Dataset
		var ok bool
		if strings.Contains(text, "://") && !strings.Contains(text, "@") {
			d, ok = metastore.Place(strings.TrimSpace(text))
		}
		ids, err := h.elsewhere(d, ok && metastore.IsStore(d.ID))
		if err != nil {
			return nil, err
		}
		all = append(all, ids...)
	}
	return append(all, h.tableArgued(arguments, name)...), nil
}

// tableArgued is the table of an argument such as --source_table, whose database
// stands in --source_database.
func (h *harvest) tableArgued(arguments map[string]string, name string) []sdk.NativeID {
	table := arguments[name]
	stem, isTable := strings.CutSuffix(strings.TrimSuffix(strings.ToLower(name), "_name"), "table")
	if !isTable || table == "" {
		return nil
	}
	for _, other := range slices.Sorted(maps.Keys(arguments)) {
		database := arguments[other]
		word, same := strings.CutPrefix(strings.TrimSuffix(strings.ToLower(other), "_name"), stem)
		if same && slices.Contains([]string{"database", "db"}, word) && database != "" && len(table)+len(database) < metastore.LongWord {
			return []sdk.NativeID{h.data.id("table", database, table)}
		}
	}
	return nil
}
