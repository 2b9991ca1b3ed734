package airflow_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/plugins/airflow"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// memory is a sink that keeps everything, and refuses what the host would.
type memory struct {
	assets map[string]*sdk.Asset
	edges  []string
	done   []string
	notes  map[string][]string
}

func (m *memory) Emit(r sdk.Record) error {
	switch r := r.(type) {
	case *sdk.Asset:
		m.assets[r.ID.Name] = r
	case *sdk.Edge:
		m.edges = append(m.edges, r.Kind+" "+r.From.Name+" -> "+r.To.Name)
	}
	return sdk.Validate(r)
}
func (m *memory) Checkpoint([]byte) error             { return nil }
func (m *memory) ScopeDone(s string) error            { m.done = append(m.done, s); return nil }
func (m *memory) Progress(int64, int64, string) error { return nil }
func (m *memory) Note(n sdk.Note) error {
	m.notes[n.Code] = append(m.notes[n.Code], n.Sample)
	return nil
}

func harvest(t *testing.T, f *fake, change func(*airflow.Config)) (*memory, error) {
	t.Helper()
	c := airflow.Config{URL: f.start(t), User: user, Password: password, Runs: 10, HTTP: web.Config{Transport: "clear", PerSecond: 10_000}}
	if change != nil {
		change(&c)
	}
	s, err := airflow.Plugin().Open(t.Context(), c, sdk.Env{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m := &memory{assets: map[string]*sdk.Asset{}, notes: map[string][]string{}}
	err = s.Harvest(t.Context(), sdk.Request{}, m)
	return m, err
}

func status(code int) func(http.ResponseWriter) bool {
	return func(w http.ResponseWriter) bool {
		w.WriteHeader(code)
		return true
	}
}

func says(text string) func(http.ResponseWriter) bool {
	return func(w http.ResponseWriter) bool {
		fmt.Fprint(w, text)
		return true
	}
}

func classOf(err error) sdk.Class {
	e, ok := errors.AsType[*sdk.Error](err)
	if !ok {
		return ""
	}
	return e.Class
}

// TestLineage is what the recorded DAGs read and write.
func TestLineage(t *testing.T) {
	both := []string{
		"DERIVES \"report.orders\" -> /srv/reports/orders.parquet", "DERIVES \"report.orders\" -> souk-test-free-name",
		"DERIVES \"report.orders\".write -> /srv/reports/orders.parquet", "DERIVES \"report.orders\".write -> souk-test-free-name",
		"DERIVES load_orders -> raw/orders.csv", "DERIVES load_orders -> shop.public.orders",
		"DERIVES load_orders.extract -> raw/orders.csv", "DERIVES load_orders.load -> shop.public.orders",
		"USES shop.public.orders -> \"report.orders\"",
	}
	for major, more := range map[string][]string{
		"2": nil,
		"3": {"USES raw/orders.csv -> load_orders", "USES raw/orders.csv -> load_orders.load", "USES shop.public.orders -> \"report.orders\".write"},
	} {
		m, err := harvest(t, load(t, major), nil)
		if err != nil {
			t.Fatal(err)
		}
		want := slices.Sorted(slices.Values(slices.Concat(both, more)))
		if diff := cmp.Diff(want, slices.Sorted(slices.Values(m.edges))); diff != "" {
			t.Errorf("Airflow %s: %s", major, diff)
		}
		if diff := cmp.Diff([]string{"dags", "datasets"}, m.done); diff != "" {
			t.Error(diff)
		}
		if len(m.notes["airflow.import_error"]) != 1 {
			t.Errorf("Airflow %s: the broken file is not noted: %v", major, m.notes)
		}
		if got := m.assets["load_orders.load"]; got.Owners[0] != "ben" || got.Description != "Writes the table." || got.Properties["operator"] == "" {
			t.Errorf("Airflow %s: got %+v", major, got)
		}
		if got := m.assets[`"report.orders"`]; !slices.Equal(got.Owners, []string{"ana", "cleo"}) || got.ShortName != "report.orders" || len(got.Aliases) != 1 || got.Aliases[0].Name != "report.orders" {
			t.Errorf("Airflow %s: got %+v", major, got)
		}
		if got := m.assets["fails.breaks"]; len(got.Runs) != 1 || got.Runs[0].State != sdk.RunFailed || got.Runs[0].Ended.Before(got.Runs[0].Started) {
			t.Errorf("Airflow %s: got %+v", major, got)
		}
		if got := m.assets["load_orders"].Runs; len(got) == 0 || got[0].State != sdk.RunSucceeded {
			t.Errorf("Airflow %s: got %+v", major, got)
		}
		if got := m.assets[`"report.orders".tell`].Runs; len(got) != 3 || got[0].ID == got[1].ID {
			t.Errorf("Airflow %s: a task that is mapped: %+v", major, got)
		}
		if got := m.assets["raw/orders.csv"]; !got.Reference || got.ID.Namespace != "s3://lake" || got.Kind != "FILE" {
			t.Errorf("Airflow %s: got %+v", major, got)
		}
	}
}

func TestATokenThatExpiresAndTooManyRequests(t *testing.T) {
	f := load(t, "3")
	f.lasts, f.tired = 3, 2
	m, err := harvest(t, f, nil)
	if err != nil || len(m.done) != 2 || f.asked["/auth/token"] < 3 {
		t.Errorf("%v, %v, %d tokens", err, m.done, f.asked["/auth/token"])
	}
}

func TestATokenInPlaceOfAPassword(t *testing.T) {
	f := load(t, "3")
	m, err := harvest(t, f, func(c *airflow.Config) { c.User, c.Password, c.Token = "", "", "token-1" })
	if err != nil || len(m.done) != 2 || f.asked["/auth/token"] > 0 {
		t.Error(err, m.done)
	}
	_, err = harvest(t, f, func(c *airflow.Config) { c.User, c.Password, c.Token = "", "", "token-none" })
	if classOf(err) != sdk.ClassAuth {
		t.Error(err)
	}
}

// TestADAGWhoseFileIsBroken is put aside by Airflow, and not gone.
func TestADAGWhoseFileIsBroken(t *testing.T) {
	for _, major := range []string{"2", "3"} {
		f := load(t, major)
		var file string
		f.change[f.api()+"/dags"] = func(body map[string]any) {
			dags, _ := body["dags"].([]any)
			for _, d := range dags {
				if d, _ := d.(map[string]any); d["dag_id"] == "rests" {
					d["is_stale"], d["is_active"] = true, false
					file, _ = d["fileloc"].(string)
				}
			}
		}
		m, err := harvest(t, f, nil)
		if err != nil || m.assets["rests"] != nil || len(m.done) != 2 {
			t.Errorf("one that has gone: %v, %v", err, m.done)
		}
		f.change[f.api()+"/importErrors"] = func(body map[string]any) {
			list, _ := body["import_errors"].([]any)
			one, _ := list[0].(map[string]any)
			one["filename"] = file
			if major == "3" {
				one["filename"] = file[strings.LastIndex(file, "/")+1:]
			}
		}
		m, err = harvest(t, f, nil)
		if diff := cmp.Diff([]string{"datasets"}, m.done); err != nil || diff != "" || len(m.notes["airflow.broken_file"]) != 1 {
			t.Errorf("%v %s %v", err, diff, m.notes)
		}
	}
}

// TestPartsThatMayNotBeRead keep their scope open, or are left out.
func TestPartsThatMayNotBeRead(t *testing.T) {
	for path, want := range map[string]struct {
		done []string
		note string
	}{
		"/importErrors":             {[]string{"datasets"}, "airflow.unread"},
		"/assets":                   {[]string{"dags"}, "airflow.unread"},
		"/dags/load_orders/tasks":   {[]string{"datasets"}, "airflow.unread"},
		"/dags/load_orders/dagRuns": {[]string{"dags", "datasets"}, "airflow.no_runs"},
	} {
		f := load(t, "3")
		f.instead["/api/v2"+path] = status(403)
		m, err := harvest(t, f, nil)
		if diff := cmp.Diff(want.done, m.done); err != nil || diff != "" || len(m.notes[want.note]) != 1 {
			t.Errorf("%s: %v %s %v", path, err, diff, m.notes)
		}
	}
	f := load(t, "3")
	f.instead["/api/v2/dags"] = status(403)
	if m, err := harvest(t, f, nil); classOf(err) != sdk.ClassDenied || len(m.done) > 0 {
		t.Error(err, m.done)
	}
}

// TestAnswersThatAreNotWhole retire nothing.
func TestAnswersThatAreNotWhole(t *testing.T) {
	for _, path := range []string{"/dags", "/assets", "/dags/fails/tasks", "/importErrors", "/dags/load_orders/dagRuns"} {
		for _, text := range []string{`{"dags": [{"dag_id": "a"}, {"dag`, "", "null", `{"detail": "?"}`} {
			if path == "/dags/load_orders/dagRuns" && strings.ContainsAny(text, "n?") {
				continue // no runs
			}
			f := load(t, "3")
			f.instead["/api/v2"+path] = says(text)
			m, err := harvest(t, f, nil)
			if classOf(err) != sdk.ClassUnavailable || slices.Contains(m.done, map[bool]string{true: "datasets", false: "dags"}[path == "/assets"]) {
				t.Errorf("%s, %q: %v, %v", path, text, err, m.done)
			}
		}
	}
}

// TestNames wants what Airflow, or a plugin of it, lets through.
//
// Bad input: names.
func TestNames(t *testing.T) {
	f := load(t, "3")
	long := strings.Repeat("x", 250)
	names := []string{"a.b", "a", `q"u'o`, "sl/ash", "🐪", "Case", "case", long, "pct%2F", "../up"}
	f.change["/api/v2/dags"] = func(body map[string]any) {
		var dags []any
		for _, name := range names {
			dags = append(dags, map[string]any{"dag_id": name, "description": name, "tags": []any{map[string]any{"name": name}}})
		}
		body["dags"] = dags
	}
	asked := map[string]bool{}
	for _, name := range names {
		for _, path := range []string{"tasks", "dagRuns"} {
			full := "/api/v2/dags/" + strings.NewReplacer("%", "%25", "/", "%2F", `"`, "%22", "'", "%27", "🐪", "%F0%9F%90%AA").Replace(name) + "/" + path
			f.instead[full] = func(w http.ResponseWriter) bool {
				asked[full] = true
				fmt.Fprint(w, `{"tasks": [{"task_id": "b"}], "dag_runs": [], "total_entries": 1}`)
				return true
			}
		}
	}
	m, err := harvest(t, f, nil)
	if err != nil || len(asked) != 2*len(names) {
		t.Fatalf("%v, %d of %d", err, len(asked), 2*len(names))
	}
	for _, name := range names {
		if a := m.assets[sdk.JoinName(name)]; a == nil || a.ShortName != name || m.assets[sdk.JoinName(name, "b")] == nil {
			t.Errorf("%q is not there", name)
		}
	}
	if a := m.assets[`"a.b"`]; len(a.Aliases) > 0 { // the task b of the DAG a has that name
		t.Errorf("%v", a.Aliases)
	}
}

// TestNothingWhereSomethingIsCommon: Airflow's description lets almost all be null.
func TestNothingWhereSomethingIsCommon(t *testing.T) {
	f := load(t, "3")
	f.change["/api/v2/dags"] = func(body map[string]any) {
		body["dags"] = []any{map[string]any{"dag_id": "n", "owners": nil, "tags": nil, "description": nil, "fileloc": nil, "timetable_description": nil, "is_stale": nil}}
	}
	f.instead["/api/v2/dags/n/details"] = says(`{"dag_id": "n", "doc_md": null}`)
	f.instead["/api/v2/dags/n/tasks"] = says(`{"tasks": [{"task_id": null}, {"task_id": "t", "owner": null, "doc_md": null, "operator_name": null, "class_ref": null, "downstream_task_ids": null, "is_mapped": null}]}`)
	f.instead["/api/v2/dags/n/dagRuns"] = says(`{"dag_runs": [{"dag_run_id": "r", "state": "odd", "start_date": null, "end_date": null}], "total_entries": 1}`)
	f.instead["/api/v2/dags/n/dagRuns/r/taskInstances"] = says(`{"task_instances": [{"task_id": "t", "map_index": -1, "state": null, "start_date": null, "end_date": null}], "total_entries": 1}`)
	m, err := harvest(t, f, nil)
	if err != nil || m.assets["n"] == nil || m.assets["n.t"] == nil || m.assets["n"].Runs[0].State != sdk.RunUnknown || m.assets["n.t"].Runs[0].State != sdk.RunUnknown || len(m.done) != 2 {
		t.Errorf("%v, %+v", err, m.assets["n"])
	}
}
