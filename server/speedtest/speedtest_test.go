package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/perf/benchfmt"
)

// reported is what `go test` prints of some benchmarks.
const reported = `goos: linux
goarch: amd64
pkg: example.com/x
BenchmarkAsk/viewer/root-2   	     100	   1200000 ns/op	         1.500 cpu-ms/op	    4000 B/op	     300 allocs/op
BenchmarkAsk/viewer/heavy-2  	     100	   2400000 ns/op	         3.000 cpu-ms/op	    8000 B/op	     600 allocs/op
BenchmarkRace-2              	    1500	   1000000 ns/op	         0.5420 souk/opa-p50	        73.5 heap-MB
PASS
`

var someLines = []line{
	{
		What: "who am I", Package: "./x", Bench: "Ask/viewer/root", Times: "100x", Brief: "10x",
		Figures: []figure{{Unit: cpu, Says: ms, Goal: 2}, {Unit: allocs, Says: "allocations", Gate: 350}},
	},
	{
		What: "the same with many grants", Package: "./x", Bench: "Ask/viewer/heavy", Floor: "Ask/viewer/root", Times: "100x", Brief: "10x",
		Figures: []figure{{Unit: "sec/op", Says: "times that", Floors: true, Gate: 2.5}},
	},
	{What: "a race", Package: "./x", Bench: "Race", Times: "1500x", Brief: "10x", Figures: []figure{{Unit: "souk/opa-p50", Says: "times opa's", Goal: 0.5}, {Unit: "heap-MB", Says: "MB"}}},
	{What: "what no run reported", Package: "./y", Bench: "Other", Times: "1x", Figures: []figure{{Unit: cpu, Says: ms}}},
}

func someResults(t *testing.T) results {
	t.Helper()
	found := results{values: map[string][]benchfmt.Value{}}
	if err := found.read("./x", []byte(reported)); err != nil {
		t.Fatal(err)
	}
	return found
}

func TestTableOfFigures(t *testing.T) {
	got := table(someLines, someResults(t))
	for _, row := range []string{
		"| who am I | 1.5 ms of processor time | at most 2 | `./x -bench 'Ask/viewer/root$' -benchtime 100x` |\n|  | 300 allocations |  | the same |\n",
		"| the same with many grants | 2 times that |  |",
		"| a race | 0.542 times opa's | at most 0.5 |", "|  | 73.5 MB |",
		"| what no run reported | not measured |  |",
	} {
		if !strings.Contains(got, row) {
			t.Errorf("the table lacks %q:\n%s", row, got)
		}
	}
	if strings.Contains(got, "unknown processor") {
		t.Errorf("the table does not name the machine:\n%s", got)
	}
}

func TestGateFailsOverABound(t *testing.T) {
	found := someResults(t)
	var said strings.Builder
	if err := judge(&said, someLines, found); err != nil || !strings.Contains(said.String(), "fits") {
		t.Fatal(err, said.String())
	}
	tight := []line{someLines[0], someLines[1]}
	tight[0].Figures = []figure{{Unit: allocs, Says: "allocations", Gate: 299}}
	tight[1].Figures = []figure{{Unit: "sec/op", Says: "times that", Floors: true, Gate: 1.9}}
	err := judge(&said, tight, found)
	if err == nil || !strings.Contains(err.Error(), "who am I: 300 allocations, at most 299: IS OVER IT") || !strings.Contains(err.Error(), "2 times that, at most 1.9") {
		t.Fatal(err)
	}
}

// A benchmark that does not run any more must not pass as one that is quick.
func TestGateFailsWithoutAFigure(t *testing.T) {
	gone := []line{{What: "gone", Package: "./x", Bench: "Gone", Figures: []figure{{Unit: allocs, Says: "allocations", Gate: 1}}}}
	if err := judge(&strings.Builder{}, gone, someResults(t)); err == nil || !strings.Contains(err.Error(), "NOT MEASURED") {
		t.Fatal(err)
	}
	broken := someResults(t)
	broken.err = errors.New("the benchmark stopped")
	if err := judge(&strings.Builder{}, someLines, broken); err == nil {
		t.Fatal("a benchmark that stopped passes")
	}
}

func TestTableIsWrittenBetweenItsMarks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(path, []byte("before\n"+pageBegin+"old\n"+pageEnd+"after\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := write(path, "new\n"); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "before\n"+pageBegin+"new\n"+pageEnd+"after\n" {
		t.Fatalf("%s", got)
	}
	if err := os.WriteFile(path, []byte("no marks"), 0o600); err != nil {
		t.Fatal(err)
	}
	if write(path, "new\n") == nil {
		t.Fatal("a page without marks is written")
	}
}

func TestJobsShareAStore(t *testing.T) {
	args := job{"./x", "100x", ""}.arguments(someLines, long)
	want := "test ./x -run ^$ -timeout 60m -bench ^BenchmarkAsk$/^viewer$/^heavy$|^BenchmarkAsk$/^viewer$/^root$ -benchtime 100x"
	if got := strings.Join(args, " "); got != want {
		t.Fatal(got)
	}
}

// TestLinesAreBenchmarks sees that each line names a benchmark of its package,
// that what the gate judges has a short form, and that the page has every line.
func TestLinesAreBenchmarks(t *testing.T) {
	page, err := os.ReadFile("../SPEED.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range everything {
		for _, bench := range l.benches() {
			name, _, _ := strings.Cut(bench, "/")
			if !declares(t, filepath.Join("../..", l.Package), "func Benchmark"+name+"(") {
				t.Errorf("%s has no Benchmark%s", l.Package, name)
			}
		}
		if l.judged() && l.Brief == "" {
			t.Errorf("%s is judged and has no short form", l.What)
		}
		if !strings.Contains(string(page), "| "+l.What+" | ") {
			t.Errorf("SPEED.md lacks %q: go run ./server/speedtest -update server/SPEED.md", l.What)
		}
	}
}

func declares(t *testing.T, folder, text string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(source), text) {
			return true
		}
	}
	return false
}

func TestLinesAreChosen(t *testing.T) {
	if got := choose(someLines, regexp.MustCompile("Race"), false); len(got) != 1 || got[0].What != "a race" {
		t.Fatal(got)
	}
	if got := choose(someLines, regexp.MustCompile(""), true); len(got) != 2 {
		t.Fatal("the gate judges", len(got))
	}
}
