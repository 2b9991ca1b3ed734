package server

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/souk-mesh/souk/graph"
	"github.com/souk-mesh/souk/server/driver/mongodb/mongodbtest"
)

var update = flag.Bool("update", false, "write the access matrix instead of comparing it")

const (
	probesFile   = "testdata/matrix/probes.txt"
	expectedFile = "testdata/matrix/expected.txt"
)

// TestMatrix knocks at every door and asks for every field of the schema, as
// every kind of caller, on both engines. What each is told stands in a file
// that people read. A door or a field that has no line there fails.
func TestMatrix(t *testing.T) {
	probes := readProbes(t)
	for engine, store := range map[string]func(*testing.T) string{
		"sqlite": func(t *testing.T) string {
			t.Helper()
			return "sqlite:" + filepath.Join(t.TempDir(), "souk.db")
		},
		"mongodb": func(t *testing.T) string {
			t.Helper()
			uri, _ := mongodbtest.Database(t)
			return uri
		},
	} {
		t.Run(engine, func(t *testing.T) {
			m := newMatrix(t, store(t))
			rows := m.rows(probes)
			refusesSomebody(t, rows)
			got := table(rows)
			if *update && engine == "sqlite" {
				must(t, os.WriteFile(expectedFile, []byte(got), 0o644))
			}
			want, err := os.ReadFile(expectedFile)
			must(t, err)
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("what callers are told has changed (-expected +now):\n%s", diff)
			}
		})
	}
}

// readProbes reads what is asked, by the row's name.
func readProbes(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(probesFile)
	must(t, err)
	probes := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, rest := line, ""
		for _, begin := range []string{" (", " {", "  /", "  ["} {
			if i := strings.Index(line, begin); i > 0 && i < len(name) {
				name, rest = line[:i], line[i:]
			}
		}
		probes[strings.TrimSpace(name)] = strings.TrimSpace(rest)
	}
	return probes
}

// row is one line of the matrix: what each caller is told, in their order.
type row struct {
	name string
	told []string
}

// rows asks everything: what only reads first, so that every caller counts the
// same rows.
func (m *matrix) rows(probes map[string]string) []row {
	m.t.Helper()
	schema := graph.NewExecutableSchema(graph.Config{}).Schema()
	var rows []row
	add := func(name string, ask func(c caller, probe string) string) {
		probe, ok := probes[name]
		if !ok {
			m.t.Errorf("%s has no line in %s: say there what to ask, and run this test with -update", name, probesFile)
			return
		}
		delete(probes, name)
		r := row{name: name}
		for _, c := range callers {
			r.told = append(r.told, ask(c, m.fill(probe)))
		}
		rows = append(rows, r)
	}
	probes = cloned(probes)
	for _, root := range []*ast.Definition{schema.Query, schema.Subscription, schema.Mutation} {
		for _, f := range root.Fields {
			if !strings.HasPrefix(f.Name, "__") {
				add(root.Name+"."+f.Name, func(c caller, probe string) string { return m.field(c, schema, root, f, probe) })
			}
		}
	}
	for _, pattern := range slices.Sorted(slices.Values(m.doors)) {
		add(pattern, func(c caller, probe string) string { return m.knockAt(c, pattern, probe) })
	}
	for name := range probes {
		m.t.Errorf("%s has a line in %s and is no field or door any more", name, probesFile)
	}
	return rows
}

// refusesSomebody wants of each mutation that somebody who is signed in hears no:
// one that takes everybody's word decides nothing.
func refusesSomebody(t *testing.T, rows []row) {
	t.Helper()
	refusals := []string{"FORBIDDEN", "NOT_FOUND"}
	for _, r := range rows {
		if strings.HasPrefix(r.name, "Mutation.") && !slices.ContainsFunc(r.told, func(told string) bool { return slices.Contains(refusals, told) }) {
			t.Errorf("%s refuses nobody: give it a probe that somebody must not make", r.name)
		}
	}
}

func cloned(probes map[string]string) map[string]string {
	copied := make(map[string]string, len(probes))
	maps.Copy(copied, probes)
	return copied
}

// field asks for one field of a root type and sums up the answer.
func (m *matrix) field(c caller, schema *ast.Schema, root *ast.Definition, f *ast.FieldDefinition, arguments string) string {
	query := strings.ToLower(root.Name) + " { " + f.Name + arguments + selection(schema, f.Type) + " }"
	body, err := json.Marshal(map[string]string{"query": query})
	must(m.t, err)
	ctx, cancel := context.WithTimeout(m.t.Context(), 20*time.Second)
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if root == schema.Subscription {
		r.Header.Set("Accept", "text/event-stream")
	}
	w := m.knock(c, r)
	text := w.Body.String()
	if root == schema.Subscription && w.Code == http.StatusOK {
		text = firstEvent(text)
	}
	return toldBy(m.t, query, w.Code, text, f.Name)
}

// selection asks for what is needed to see whether there is an answer.
func selection(schema *ast.Schema, of *ast.Type) string {
	def := schema.Types[of.Name()]
	switch {
	case def == nil || def.IsLeafType():
		return ""
	case def.Fields.ForName("nodes") != nil && strings.HasSuffix(def.Name, "Connection"):
		return " { nodes { __typename } }"
	case def.Fields.ForName("userErrors") != nil:
		return " { userErrors { code } }"
	}
	return " { __typename }"
}

// firstEvent gives the data of the first event of a stream.
func firstEvent(stream string) string {
	for line := range strings.Lines(stream) {
		if data, ok := strings.CutPrefix(line, "data:"); ok && strings.TrimSpace(data) != "" {
			return strings.TrimSpace(data)
		}
	}
	return "{}"
}

// toldBy sums up an answer of the graph: a status that is not 200, a code, how
// many rows, "-" for nothing, or "yes".
func toldBy(t *testing.T, query string, status int, text, field string) string {
	t.Helper()
	if status == http.StatusUnauthorized {
		return "401"
	}
	var answer struct {
		Data   map[string]json.RawMessage
		Errors []struct {
			Message    string
			Extensions struct{ Code string }
		}
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatalf("%s: status %d: %v: %.200s", query, status, err, text)
	}
	if len(answer.Errors) > 0 {
		code := answer.Errors[0].Extensions.Code
		if code != "FORBIDDEN" && code != "NOT_FOUND" {
			t.Logf("%s: %s", query, answer.Errors[0].Message)
		}
		if code == "GRAPHQL_VALIDATION_FAILED" || code == "INTERNAL" || code == "" {
			t.Errorf("%s: %s: %s", query, code, answer.Errors[0].Message)
		}
		return code
	}
	return summed(t, answer.Data[field])
}

func summed(t *testing.T, data json.RawMessage) string {
	t.Helper()
	var list []json.RawMessage
	if json.Unmarshal(data, &list) == nil && data != nil && string(data) != "null" {
		return strconv.Itoa(len(slices.DeleteFunc(list, func(one json.RawMessage) bool { return string(one) == "null" })))
	}
	var object struct {
		Nodes      *[]json.RawMessage
		UserErrors *[]struct{ Code string }
	}
	if len(data) == 0 || string(data) == "null" {
		return "-"
	}
	must(t, json.Unmarshal(data, &object))
	switch {
	case object.Nodes != nil:
		return strconv.Itoa(len(*object.Nodes))
	case object.UserErrors != nil && len(*object.UserErrors) > 0:
		return (*object.UserErrors)[0].Code
	}
	return "yes"
}

// knockAt asks a door that is not the graph's and gives its status, with what
// it decided where it decides.
func (m *matrix) knockAt(c caller, pattern, probe string) string {
	method, path, ok := strings.Cut(pattern, " ")
	if !ok {
		method, path = http.MethodGet, pattern
	}
	if strings.HasPrefix(probe, "/") {
		path, probe = probe, ""
	}
	if probe != "" {
		method = http.MethodPost
	}
	r := httptest.NewRequestWithContext(m.t.Context(), method, path, strings.NewReader(probe))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Souk-Obligations", "understood")
	w := m.knock(c, r)
	told := strconv.Itoa(w.Code)
	var answer struct {
		Decision    *bool
		Evaluations []struct{ Decision bool }
		Results     *[]json.RawMessage
		Result      json.RawMessage
	}
	if w.Code != http.StatusOK || json.Unmarshal(w.Body.Bytes(), &answer) != nil {
		return told
	}
	switch {
	case answer.Decision != nil:
		told = strconv.FormatBool(*answer.Decision)
	case len(answer.Evaluations) > 0:
		told = strconv.FormatBool(answer.Evaluations[0].Decision)
	case answer.Results != nil:
		told = strconv.Itoa(len(*answer.Results))
	case answer.Result != nil:
		told = obliged(string(answer.Result))
	}
	return told
}

// obliged shortens a duty: one that shows no row or no value is closed.
func obliged(result string) string {
	switch {
	case len(result) <= len("false"):
		return result
	case strings.Contains(result, `"false"`) || strings.Contains(result, `"NULL"`):
		return "closed"
	}
	return "open"
}

// table writes the matrix so that people can read it.
func table(rows []row) string {
	names := []string{""}
	var b strings.Builder
	b.WriteString("# What each caller is told: - nothing, yes, the number of rows, a code, or a status of HTTP.\n# Written by go test ./server -run Matrix -update; read every change.\n#\n")
	for _, c := range callers {
		names = append(names, c.name)
		if c.about != "" {
			fmt.Fprintf(&b, "# %-14s %s\n", c.name, c.about)
		}
	}
	lines := [][]string{names}
	for _, r := range rows {
		lines = append(lines, append([]string{r.name}, r.told...))
	}
	widths := make([]int, len(names))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], len(cell))
		}
	}
	b.WriteString("\n")
	for _, line := range lines {
		var text strings.Builder
		for i, cell := range line {
			fmt.Fprintf(&text, "%-*s  ", widths[i], cell)
		}
		b.WriteString(strings.TrimRight(text.String(), " ") + "\n")
	}
	return b.String()
}
