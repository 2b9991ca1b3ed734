package dataflow

import (
	"cmp"
	"strings"
	"time"

	names "github.com/souk-mesh/souk/plugins/internal/dataset"
	"github.com/souk-mesh/souk/sdk"
)

// job is one job, which is one run of what its name stands for.
type job struct {
	ID        string            `json:"id"`
	Name      string            `json:"name"`
	Type      string            `json:"type"`
	State     string            `json:"currentState"`
	StateTime time.Time         `json:"currentStateTime"`
	Created   time.Time         `json:"createTime"`
	Started   time.Time         `json:"startTime"`
	Location  string            `json:"location"`
	Labels    map[string]string `json:"labels"`
	Metadata  metadata          `json:"jobMetadata"`
	Pipeline  struct {
		Transforms []transform `json:"originalPipelineTransform"`
	} `json:"pipelineDescription"`
}

// over reports whether the job has ended.
func (j job) over() bool {
	switch j.State {
	case "JOB_STATE_DONE", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED", "JOB_STATE_UPDATED", "JOB_STATE_DRAINED", "JOB_STATE_RESOURCE_CLEANING_UP":
		return true
	}
	return false
}

// metadata names what the job touches, without saying which way.
type metadata struct {
	BigQuery []struct {
		Project string `json:"projectId"`
		Dataset string `json:"dataset"`
		Table   string `json:"table"`
	} `json:"bigqueryDetails"`
	PubSub []struct {
		Topic        string `json:"topic"`
		Subscription string `json:"subscription"`
	} `json:"pubsubDetails"`
	Files []struct {
		Pattern string `json:"filePattern"`
	} `json:"fileDetails"`
	Spanner []struct {
		Project  string `json:"projectId"`
		Instance string `json:"instanceId"`
		Database string `json:"databaseId"`
	} `json:"spannerDetails"`
	BigTable []struct {
		Project  string `json:"projectId"`
		Instance string `json:"instanceId"`
		Table    string `json:"tableId"`
	} `json:"bigTableDetails"`
	SDK struct {
		Name    string `json:"versionDisplayName"`
		Version string `json:"version"`
	} `json:"sdkVersion"`
}

// transform is a step of the pipeline as its author wrote it.
type transform struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Display []struct {
		Key   string `json:"key"`
		Text  string `json:"strValue"`
		Short string `json:"shortStrValue"`
	} `json:"displayData"`
}

// touched gives what the job touches, by the metadata.
func (m metadata) touched(project string) []names.Dataset {
	var all []names.Dataset
	add := func(d names.Dataset, ok bool) {
		if ok {
			all = append(all, d)
		}
	}
	for _, t := range m.BigQuery {
		add(bigQuery(cmp.Or(t.Project, project), t.Dataset, t.Table))
	}
	for _, p := range m.PubSub {
		add(pubSub("topic", "topics", p.Topic, project))
		add(pubSub("subscription", "subscriptions", p.Subscription, project))
	}
	for _, f := range m.Files {
		add(names.FromPattern(f.Pattern))
	}
	for _, s := range m.Spanner {
		add(other("spanner://"+cmp.Or(s.Project, project)+":"+s.Instance, s.Database, "OTHER"))
	}
	for _, b := range m.BigTable {
		add(other("bigtable://"+cmp.Or(b.Project, project)+":"+b.Instance, b.Table, "TABLE"))
	}
	return all
}

func other(namespace, name, kind string) (names.Dataset, bool) {
	return names.Dataset{ID: sdk.NativeID{Namespace: namespace, Name: name}, Kind: kind}, name != ""
}

func bigQuery(project, dataset, table string) (names.Dataset, bool) {
	table, _, _ = strings.Cut(table, "$") // a partition of it
	if project == "" || dataset == "" || table == "" {
		return names.Dataset{}, false
	}
	return other("bigquery", sdk.JoinName(project, dataset, table), "TABLE")
}

// pubSub names a topic or a subscription, of which the name may be whole or the
// last part alone.
func pubSub(word, folder, name, project string) (names.Dataset, bool) {
	if rest, whole := strings.CutPrefix(strings.TrimPrefix(name, "/"), "projects/"); whole {
		parts := strings.Split(rest, "/")
		if len(parts) != 3 || parts[1] != folder {
			return names.Dataset{}, false
		}
		project, name = parts[0], parts[2]
	}
	if name == "" || strings.Contains(name, "/") {
		return names.Dataset{}, false
	}
	return other("pubsub", word+":"+project+":"+name, "TOPIC")
}

// end is what a step reads or writes, where it says so.
func (t transform) end(project string) (names.Dataset, bool) {
	for _, d := range t.Display {
		text := cmp.Or(d.Text, d.Short)
		var found names.Dataset
		ok := false
		switch strings.ToLower(d.Key) {
		case "table", "tablespec":
			found, ok = tableSpec(text, project)
		case "topic":
			found, ok = pubSub("topic", "topics", text, project)
		case "subscription":
			found, ok = pubSub("subscription", "subscriptions", text, project)
		case "filepattern", "file_pattern", "filename", "fileprefix", "filenameprefix":
			found, ok = names.FromPattern(text)
		}
		if ok {
			return found, true
		}
	}
	return names.Dataset{}, false
}

// tableSpec reads project:dataset.table, or dataset.table of the job's project.
func tableSpec(text, project string) (names.Dataset, bool) {
	text = strings.Trim(text, "`")
	if before, rest, has := strings.Cut(text, ":"); has {
		project, text = before, rest
	}
	parts := strings.Split(text, ".")
	switch len(parts) {
	case 3:
		return bigQuery(parts[0], parts[1], parts[2])
	case 2:
		return bigQuery(project, parts[0], parts[1])
	}
	return names.Dataset{}, false
}
