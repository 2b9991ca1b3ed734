package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"
)

// form is how long a line is measured for: the page's way or the gate's.
type form func(line) job

func long(l line) job { return job{l.Package, l.Times, l.Scale} }

func brief(l line) job { return job{l.Package, l.Brief, ""} }

// job is one run of `go test`: the benchmarks of a package that are measured
// alike share one, since making the store that they ask takes longer than they do.
type job struct{ pkg, times, scale string }

// results holds what was reported, by package and benchmark.
type results struct {
	values map[string][]benchfmt.Value
	err    error
}

// of gives a figure of a benchmark as it was reported, and whether there is one.
// The reader turns some units into others, and keeps those that came.
func (r results) of(pkg, bench, unit string) (float64, bool) {
	for _, v := range r.values[pkg+" "+bench] {
		switch unit {
		case v.OrigUnit:
			return v.OrigValue, true
		case v.Unit:
			return v.Value, true
		}
	}
	return 0, false
}

// measure runs what the lines name, one job after the other. A job that fails does
// not keep the others from being measured: its error is told with the results.
func measure(ctx context.Context, progress io.Writer, lines []line, how form) results {
	found := results{values: map[string][]benchfmt.Value{}}
	var jobs []job
	for _, l := range lines {
		if j := how(l); !slices.Contains(jobs, j) {
			jobs = append(jobs, j)
		}
	}
	for _, j := range jobs {
		args := j.arguments(lines, how)
		_, _ = fmt.Fprintln(progress, "go", strings.Join(args, " "))
		said, err := goTest(ctx, args)
		if err != nil {
			found.err = errors.Join(found.err, fmt.Errorf("%s: %w\n%s", j.pkg, err, said))
		}
		found.err = errors.Join(found.err, found.read(j.pkg, said))
	}
	return found
}

// arguments are those of `go` for a job.
func (j job) arguments(lines []line, how form) []string {
	var benches []string
	for _, l := range lines {
		if how(l) != j {
			continue
		}
		for _, name := range l.benches() {
			benches = append(benches, "^Benchmark"+strings.ReplaceAll(name, "/", "$/^")+"$")
		}
	}
	slices.Sort(benches)
	args := []string{"test", j.pkg, "-run", "^$", "-timeout", "60m", "-bench", strings.Join(slices.Compact(benches), "|"), "-benchtime", j.times}
	if j.scale != "" {
		args = append(args, strings.Fields(j.scale)...)
	}
	return args
}

func goTest(ctx context.Context, args []string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // The arguments are the table's.
	cmd.Stderr = os.Stderr
	return cmd.Output()
}

// read takes in what one run has reported.
func (r results) read(pkg string, said []byte) error {
	in := benchfmt.NewReader(bytes.NewReader(said), pkg)
	for in.Scan() {
		result, is := in.Result().(*benchfmt.Result)
		if !is {
			continue
		}
		name, _ := result.Name.Parts()
		bench := string(name)
		if whole := string(result.Name.Full()); strings.Contains(whole, "/") {
			bench = withoutProcessors(whole)
		}
		r.values[pkg+" "+bench] = slices.Clone(result.Values)
	}
	return in.Err()
}

// withoutProcessors takes the number of processors from the end of a name.
func withoutProcessors(name string) string {
	cut := strings.LastIndexByte(name, '-')
	if cut < 0 || strings.Trim(name[cut+1:], "0123456789") != "" {
		return name
	}
	return name[:cut]
}
