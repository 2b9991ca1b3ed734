package plugins_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/plugins"
)

var update = flag.Bool("update", false, "write BADINPUT.md")

// inputs are what every source meets sooner or later, as tests name them in their
// comments: "Bad input: names, not UTF-8."
var inputs = []string{
	"a wrong password", "an unknown host", "a token that expires", "429 with Retry-After", "429 without", "half an answer",
	"5,000 columns", "names", "not UTF-8", "a million keys", "a manifest of 50 MB",
	"a clock that goes back", "a source renamed", "two sources that claim one table", "a schema that vanishes whole",
}

// folders gives where the code of a plugin lies that has not a folder of its own.
var folders = map[string]string{"purview": "atlas"}

// The kinds of sources, by which follows what one cannot have.
var (
	byFile    = []string{"azuredatacatalog", "dbt", "files", "sqlite"}
	byStore   = []string{"azureblob", "files", "gcs", "s3"}
	byWire    = []string{"denodo", "hive", "kafka", "mongodb", "mysql", "postgres"}
	byLibrary = []string{"glue", "s3"} // over HTTP, by the library of the cloud
)

// cannot says why a source cannot meet an input, or "".
func cannot(plugin, input string) string {
	file, store, wire := slices.Contains(byFile, plugin), slices.Contains(byStore, plugin), slices.Contains(byWire, plugin)
	switch input {
	case "a wrong password", "an unknown host", "a token that expires", "429 with Retry-After", "429 without":
		if file {
			return "it reads files"
		}
	}
	switch input {
	case "a token that expires", "429 with Retry-After", "429 without":
		if wire {
			return "its protocol has none"
		}
	case "a million keys":
		if !store {
			return "it lists no keys"
		}
	case "a manifest of 50 MB":
		if plugin != "dbt" {
			return "it reads no manifest"
		}
	}
	return special[[2]string{plugin, input}]
}

// special are reasons of single plugins.
var special = map[[2]string]string{
	{"airflow", "5,000 columns"}:  "DAGs have no columns",
	{"dataflow", "5,000 columns"}: "jobs have no columns",
	{"kafka", "names"}:            "Kafka takes letters, digits, dots, - and _ alone, 249 at most",
	{"kafka", "not UTF-8"}:        "its names cannot be otherwise (8), and schemas come from the registry as JSON",
	{"files", "half an answer"}:   "a file that is cut off has a head that cannot be read, which TestReadsThatFail in plugins/internal/lake holds",
	{"mysql", "not UTF-8"}:        "the server keeps names and comments in UTF-8 itself",
	{"sqlite", "half an answer"}:  "SQLite itself refuses a file that is not whole",
}

// cell says by what a plugin is held to an input: a test, a case of the suite, or
// why it cannot meet it. "" is a gap.
type cell struct{ by, why string }

// place is a folder with what the comments of its tests declare.
type place struct {
	declared map[string]string // test by input
	code     string            // of the plugin
	tests    string            // of its tests
}

var (
	declaration = regexp.MustCompile(`(?m)^// Bad input: (.+)\.$`)
	function    = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz)\w+)\(`)
)

func read(t *testing.T, folder string) place {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal(folder, err)
	}
	p := place{declared: map[string]string{}}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(file, "_test.go") {
			p.code += string(text)
			continue
		}
		p.tests += string(text)
		p.declares(t, file, string(text))
	}
	return p
}

// declares notes what stands in the comment of a test: of the next one in the file.
func (p place) declares(t *testing.T, file, text string) {
	t.Helper()
	for _, at := range declaration.FindAllStringSubmatchIndex(text, -1) {
		name := function.FindStringSubmatch(text[at[1]:])
		if name == nil {
			t.Errorf("%s: %q stands at no test", file, text[at[0]:at[1]])
			continue
		}
		for _, input := range splitInputs(text[at[2]:at[3]]) {
			if !slices.Contains(inputs, input) {
				t.Errorf("%s: there is no input %q; there are %s", file, input, strings.Join(inputs, "; "))
			}
			p.declared[input] = strings.TrimPrefix(p.declared[input]+" and "+name[1], " and ")
		}
	}
}

// splitInputs cuts at the commas between inputs, and not at that of a number.
func splitInputs(text string) []string {
	return strings.Split(strings.ReplaceAll(text, ", ", "\x00"), "\x00")
}

// table works out every cell.
func table(t *testing.T) map[string]map[string]cell {
	t.Helper()
	web, lake := read(t, "../sdk/web"), read(t, "internal/lake")
	host := read(t, "../server/harvest")
	maps.Copy(host.declared, read(t, "../server/catalog").declared)
	all := map[string]map[string]cell{}
	for _, r := range plugins.All() {
		name := r.Info().Name
		folder, other := folders[name]
		if !other {
			folder = name
		}
		p := read(t, folder)
		all[name] = map[string]cell{}
		for _, input := range inputs {
			all[name][input] = p.cell(name, input, web, lake, host)
		}
	}
	return all
}

func (p place) cell(name, input string, web, lake, host place) cell {
	if test := p.declared[input]; test != "" {
		return cell{by: test}
	}
	if why := cannot(name, input); why != "" {
		return cell{why: why}
	}
	if by := p.suite(name, input); by != "" {
		return cell{by: "suite: " + by}
	}
	if test := host.declared[input]; test != "" {
		return cell{by: "server: " + test}
	}
	if strings.Contains(p.code, `plugins/internal/lake"`) {
		if test := lake.declared[input]; test != "" {
			return cell{by: "lake: " + test}
		}
	}
	if strings.Contains(p.code, `souk/sdk/web"`) && !slices.Contains(byLibrary, name) {
		if test := web.declared[input]; test != "" {
			return cell{by: "web: " + test}
		}
	}
	return cell{}
}

// suite names the case of the suite that holds a plugin to an input, by what its
// fixture has.
func (p place) suite(name, input string) string {
	if !strings.Contains(p.tests, "plugintest.Run(") {
		return ""
	}
	switch input {
	case "a wrong password":
		if strings.Contains(p.tests, "Class: sdk.ClassAuth") {
			return "bad_config"
		}
	case "an unknown host":
		if strings.Contains(p.tests, `"unknown host"`) {
			return "bad_config"
		}
	case "5,000 columns":
		if strings.Contains(p.tests, "Wide: ") {
			return "limits"
		}
	case "a token that expires", "429 with Retry-After", "429 without", "half an answer":
		if slices.Contains(byLibrary, name) || strings.Contains(p.code, `souk/sdk/web"`) && !slices.Contains(byWire, name) {
			return "http_faults"
		}
	}
	return ""
}

// TestBadInput wants every plugin to be held to every input, or a reason why it
// cannot meet it, and BADINPUT.md to be what follows from the tests.
func TestBadInput(t *testing.T) {
	all := table(t)
	text := page(all)
	for _, r := range plugins.All() {
		for _, input := range inputs {
			if c := all[r.Info().Name][input]; c == (cell{}) {
				t.Errorf("%s: no test is declared for %q: write one with \"// Bad input: %s.\" in its comment, or say in special why it cannot meet it", r.Info().Name, input, input)
			}
		}
	}
	if *update {
		if err := os.WriteFile("BADINPUT.md", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if now, err := os.ReadFile("BADINPUT.md"); err != nil || string(now) != text {
		t.Errorf("BADINPUT.md is not what follows from the tests; go test ./plugins -run BadInput -update writes it (%v)", err)
	}
}

// page writes the table: a letter a cell, and what the letters stand for.
func page(all map[string]map[string]cell) string {
	var b strings.Builder
	b.WriteString("# Bad input, source by source\n\nWritten by `go test ./plugins -run BadInput -update` from what the comments of the tests declare; the test fails where a cell has neither a\n" +
		"test nor a reason. **t**: a test of the plugin. **s**: a case of the suite that every plugin passes (`souk plugin test`), over the plugin's own source. **r**: a test of the\n" +
		"room that the plugin shares (`plugins/internal/lake`, `sdk/web`). **h**: a test of the server, for all plugins at once. **–**: the source cannot meet it.\n\n| plugin |")
	for i := range inputs {
		fmt.Fprintf(&b, " %d |", i+1)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(inputs)) + "\n")
	for _, r := range plugins.All() {
		name := r.Info().Name
		fmt.Fprintf(&b, "| `%s` |", name)
		for _, input := range inputs {
			b.WriteString(" " + all[name][input].letter() + " |")
		}
		b.WriteString("\n")
	}
	for i, input := range inputs {
		fmt.Fprintf(&b, "\n%d. **%s**", i+1, input)
		b.WriteString(legend(all, input))
	}
	return b.String() + "\n"
}

func (c cell) letter() string {
	room, _, shared := strings.Cut(c.by, ": ")
	switch {
	case c.why != "":
		return "–"
	case c.by == "":
		return "?"
	case !shared:
		return "t"
	case room == "suite":
		return "s"
	case room == "server":
		return "h"
	}
	return "r"
}

// legend names the tests and the reasons of one input.
func legend(all map[string]map[string]cell, input string) string {
	var by, why []string
	for _, r := range plugins.All() {
		name := r.Info().Name
		switch c := all[name][input]; {
		case c.why != "":
			why = append(why, c.why+"\x00"+name)
		case strings.Contains(c.by, ": "):
			by = append(by, "`"+strings.Replace(c.by, ": ", "` ", 1)+"\x00")
		case c.by != "":
			by = append(by, "`"+name+"` "+c.by+"\x00")
		}
	}
	text := ": " + strings.Join(grouped(by), ", ")
	if len(why) > 0 {
		text += ". Cannot: " + strings.Join(grouped(why), "; ")
	}
	return text + "."
}

// grouped puts the plugins of one reason behind it, each text once.
func grouped(pairs []string) (list []string) {
	var order []string
	names := map[string][]string{}
	for _, pair := range pairs {
		text, name, _ := strings.Cut(pair, "\x00")
		if !slices.Contains(order, text) {
			order = append(order, text)
		}
		if name != "" {
			names[text] = append(names[text], name)
		}
	}
	for _, text := range order {
		if len(names[text]) > 0 {
			text += " (" + strings.Join(names[text], ", ") + ")"
		}
		list = append(list, text)
	}
	return list
}
