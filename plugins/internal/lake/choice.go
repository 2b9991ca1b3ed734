package lake

import (
	"slices"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// Choice is embedded in the configuration of a plugin: how datasets are found.
type Choice struct {
	Grouping string   `json:"grouping" doc:"How files are put together to datasets: auto (by key=value folders, by folders of dates, and by names with dates, counters or hashes), hive (by key=value folders alone) or files (each file by itself). The tables of Iceberg and Delta are always found." enum:"auto,hive,files" default:"auto"`
	Datasets []string `json:"datasets,omitempty" doc:"Folders that are one dataset each with all that lies below, as patterns such as raw/*/events, in which a star stands for a part of one name."`
	Heads    string   `json:"heads" doc:"Whether the head of one file of each dataset is read for its columns: read, or skip (names, sizes and times only, for which the right to list is enough)." enum:"read,skip" default:"read"`
	Header   string   `json:"csvHeader" doc:"Whether the first row of a CSV file names its columns: sniff (where it looks like names), always or never." enum:"sniff,always,never" default:"sniff"`
}

// Options are the choice as the package takes it.
func (c Choice) Options() Options {
	return Options{Grouping: c.Grouping, Datasets: c.Datasets, SkipHeads: c.Heads == "skip", Header: c.Header}
}

// Selection says which buckets are harvested, and which parts of them.
type Selection struct {
	Include, Exclude []string // patterns of names
	Prefixes         []string // BUCKET/FOLDER
	Fields           Fields
}

// Fields are what the plugin calls the fields of a selection.
type Fields struct{ Include, Exclude, Prefixes string }

// Judge says what is wrong with the selection.
func (s Selection) Judge() error {
	notName := func(p string) bool { return !validPattern(p) || strings.Contains(p, "/") }
	for _, list := range []struct {
		field    string
		patterns []string
	}{{s.Fields.Include, s.Include}, {s.Fields.Exclude, s.Exclude}} {
		if slices.ContainsFunc(list.patterns, notName) {
			return sdk.Config(list.field, "holds something that is no pattern of a name", "write names such as sales, or patterns such as sales-*; parts of one belong into "+s.Fields.Prefixes)
		}
	}
	sorted := slices.Clone(s.Prefixes)
	for i := range sorted {
		bucket, folder, ok := strings.Cut(sorted[i], "/")
		if !ok || bucket == "" || folder == "" {
			return sdk.Config(s.Fields.Prefixes, "holds something that is no folder", "write the name and the folder, such as sales/raw/orders")
		}
		sorted[i] = strings.TrimSuffix(sorted[i], "/") + "/"
	}
	slices.Sort(sorted)
	for i := 1; i < len(sorted); i++ {
		if strings.HasPrefix(sorted[i], sorted[i-1]) {
			return sdk.Config(s.Fields.Prefixes, "holds a folder that lies in another", "take out the inner one, or write one twice no more")
		}
	}
	return nil
}

// Named gives the buckets that the configuration names one by one, and whether
// that is all: then no list of buckets is needed.
func (s Selection) Named() (names []string, all bool) {
	for _, p := range s.Prefixes {
		bucket, _, _ := strings.Cut(p, "/")
		names = append(names, bucket)
	}
	all = len(s.Include)+len(s.Prefixes) > 0
	for _, p := range s.Include {
		if strings.ContainsAny(p, `*?[\`) {
			all = false
			continue
		}
		names = append(names, p)
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(n string) bool { return !s.Takes(n) }), all
}

// Takes tells whether a bucket is harvested.
func (s Selection) Takes(bucket string) bool {
	matching := func(patterns []string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, bucket) })
	}
	if matching(s.Exclude) {
		return false
	}
	return len(s.Include)+len(s.Prefixes) == 0 || matching(s.Include) || len(s.PrefixesOf(bucket)) > 0
}

// PrefixesOf gives the folders of a bucket that are harvested, with their
// slashes; none are all of it.
func (s Selection) PrefixesOf(bucket string) []string {
	var folders []string
	for _, p := range s.Prefixes {
		if name, folder, _ := strings.Cut(p, "/"); name == bucket {
			folders = append(folders, strings.TrimSuffix(folder, "/")+"/")
		}
	}
	return folders
}

// Scopes makes the scopes of one bucket of the model.
func (s Selection) Scopes(kind, bucket string, model Scope) []Scope {
	prefixes := s.PrefixesOf(bucket)
	if len(prefixes) == 0 {
		prefixes = []string{""}
	}
	var scopes []Scope
	for i, prefix := range prefixes {
		one := model
		one.Kind, one.Label, one.Later = "BUCKET", bucket, i > 0
		one.Prefix = prefix
		one.Name = kind + ":" + bucket
		if prefix != "" {
			one.Name += "/" + strings.TrimSuffix(prefix, "/")
		}
		scopes = append(scopes, one)
	}
	return scopes
}
