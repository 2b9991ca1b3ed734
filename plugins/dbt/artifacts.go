package dbt

import (
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"strconv"
	"time"

	"github.com/souk-mesh/souk/sdk"
)

// relation is what catalog.json says of one table of the warehouse.
type relation struct {
	Metadata struct {
		Type    text `json:"type"`
		Comment text `json:"comment"`
		Owner   text `json:"owner"`
	} `json:"metadata"`
	Columns map[string]catalogColumn `json:"columns"`
	Stats   map[string]struct {
		Value text `json:"value"`
	} `json:"stats"`
}

type catalogColumn struct {
	Type    text `json:"type"`
	Index   text `json:"index"`
	Name    text `json:"name"`
	Comment text `json:"comment"`
}

// rows is the warehouse's own count, where its adapter reports one.
func (r relation) rows() *int64 { return r.stat("num_rows", "row_count", "rows") }

// bytes is what the table takes, where the adapter reports it in bytes.
func (r relation) bytes() *int64 { return r.stat("num_bytes", "bytes") }

// stat is the first of the statistics that is a number.
func (r relation) stat(names ...string) *int64 {
	for _, key := range names {
		if v, err := strconv.ParseFloat(string(r.Stats[key].Value), 64); err == nil && v >= 0 && v < math.MaxInt64 {
			n := int64(v)
			return &n
		}
	}
	return nil
}

// catalog is a catalog.json; Found is false when there is none.
type catalog struct {
	metadata
	Found     bool
	Relations map[string]relation
	Faulty    bool // dbt met errors when it wrote the file
}

func readCatalog(files sdk.Files, file string) (catalog, error) {
	c := catalog{Relations: map[string]relation{}}
	err := walkFile(files, file, func(key string, d *json.Decoder) error {
		switch key {
		case "metadata":
			return tolerate(d.Decode(&c.metadata))
		case "errors":
			var met json.RawMessage
			err := d.Decode(&met)
			c.Faulty = compact(met) != "" && string(met) != "null"
			return err
		case "nodes", "sources":
			return eachKey(d, func(id string, d *json.Decoder) error {
				var r relation
				err := tolerate(d.Decode(&r))
				c.Relations[id] = r
				return err
			})
		default:
			return skip(key, d)
		}
	})
	found, err := optional(file, err)
	c.Found = found
	return c, err
}

// result is a line of run_results.json or of sources.json.
type result struct {
	UniqueID    string `json:"unique_id"`
	Status      text   `json:"status"`
	Failures    text   `json:"failures"`
	Message     text   `json:"message"`
	MaxLoadedAt text   `json:"max_loaded_at"`
	SnapshotAt  text   `json:"snapshotted_at"`
	Timing      []struct {
		Name        text `json:"name"`
		CompletedAt text `json:"completed_at"`
	} `json:"timing"`
}

// results is a run_results.json or a sources.json by unique id.
type results struct {
	metadata
	Found bool
	By    map[string]result
}

func readResults(files sdk.Files, file string) (results, error) {
	r := results{By: map[string]result{}}
	err := walkFile(files, file, func(key string, d *json.Decoder) error {
		switch key {
		case "metadata":
			return tolerate(d.Decode(&r.metadata))
		case "results":
			return r.decodeList(d)
		default:
			return skip(key, d)
		}
	})
	found, err := optional(file, err)
	r.Found = found
	return r, err
}

func (r *results) decodeList(d *json.Decoder) error {
	open, err := d.Token()
	if err != nil || open != json.Delim('[') {
		return cmp.Or(err, drain(open, d))
	}
	for d.More() {
		var one result
		if err := tolerate(d.Decode(&one)); err != nil {
			return err
		}
		if one.UniqueID != "" {
			r.By[one.UniqueID] = one
		}
	}
	_, err = d.Token()
	return err
}

// drain reads the rest of a value that is no list.
func drain(open json.Token, d *json.Decoder) error {
	if open != json.Delim('{') {
		return nil
	}
	for d.More() {
		if _, err := d.Token(); err != nil {
			return err
		}
		if err := skip("", d); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// at is when the result came to be: the end of its last step, or else of the run.
func (r results) at(one result) time.Time {
	for _, step := range one.Timing {
		if t := parseTime(step.CompletedAt); step.Name == "execute" && !t.IsZero() {
			return t
		}
	}
	if t := parseTime(one.SnapshotAt); !t.IsZero() {
		return t
	}
	return parseTime(r.GeneratedAt)
}

// optional makes the absence of a file no error.
func optional(file string, err error) (found bool, _ error) {
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, readError(file, err)
	}
	return true, nil
}

// parseTime reads the times that dbt writes, with and without a zone.
func parseTime(s text) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999"} {
		if t, err := time.Parse(layout, string(s)); err == nil {
			return t.UTC().Truncate(time.Millisecond)
		}
	}
	return time.Time{}
}
