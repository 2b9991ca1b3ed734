package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

const (
	pageBegin = "<!-- figures: written by go run ./server/speedtest -update server/SPEED.md -->\n"
	pageEnd   = "<!-- end of the figures -->\n"
)

// table is the figures as a page has them, the machine and the day above.
func table(lines []line, found results) string {
	var page strings.Builder
	fmt.Fprintf(&page, "%s, %s.\n\n", time.Now().UTC().Format(time.DateOnly), machine())
	page.WriteString("| what | figure | asked for | shown by `go test PACKAGE -run '^$'` with |\n|---|---|---|---|\n")
	for _, l := range lines {
		for i, f := range l.Figures {
			what, shown := l.What, l.command()
			if i > 0 {
				what, shown = "", "the same"
			}
			fmt.Fprintf(&page, "| %s | %s | %s | %s |\n", what, inWords(l, f, found), f.goal(), shown)
		}
	}
	return page.String()
}

// inWords is the figure in words.
func inWords(l line, f figure, found results) string {
	value, measured := f.value(l, found)
	if !measured {
		return "not measured"
	}
	return short(value) + " " + f.Says
}

// short writes a number with three digits that count.
func short(n float64) string {
	if n >= 100 {
		return strconv.FormatFloat(n, 'f', 0, 64)
	}
	return strconv.FormatFloat(n, 'g', 3, 64)
}

// machine names what the figures were measured on.
func machine() string {
	name, memory := "an unknown processor", ""
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		name = after(string(text), "model name", name)
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		if kB, err := strconv.Atoi(strings.TrimSuffix(after(string(text), "MemTotal", ""), " kB")); err == nil {
			memory = fmt.Sprintf(", %d GB of memory", kB>>20)
		}
	}
	load := ""
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		load = ", load " + strings.Fields(string(text))[0] + " at the end"
	}
	return fmt.Sprintf("%s, %d cores%s, %s, %s/%s%s", name, runtime.NumCPU(), memory, runtime.Version(), runtime.GOOS, runtime.GOARCH, load)
}

// after gives what a line of /proc says behind its colon.
func after(text, key, otherwise string) string {
	for row := range strings.Lines(text) {
		if name, value, found := strings.Cut(row, ":"); found && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return otherwise
}

// write puts the table between the marks of a page.
func write(path, figures string) error {
	page, err := os.ReadFile(path) //nolint:gosec // The page that the command line names.
	if err != nil {
		return err
	}
	head, rest, begins := strings.Cut(string(page), pageBegin)
	_, tail, ends := strings.Cut(rest, pageEnd)
	if !begins || !ends {
		return errors.New(path + " lacks the marks that the table stands between")
	}
	return os.WriteFile(path, []byte(head+pageBegin+figures+pageEnd+tail), 0o644) //nolint:gosec // A page for all to read.
}

// judge prints every judged figure, and fails where one is over what it may be or
// was not measured.
func judge(out io.Writer, lines []line, found results) error {
	failed := found.err
	for _, l := range lines {
		for _, f := range l.Figures {
			if f.Gate == 0 {
				continue
			}
			value, measured := f.value(l, found)
			verdict := "fits"
			switch {
			case !measured:
				verdict = "WAS NOT MEASURED"
			case value > f.Gate:
				verdict = "IS OVER IT"
			}
			if verdict != "fits" {
				failed = errors.Join(failed, fmt.Errorf("%s: %s %s, at most %s: %s (%s)", l.What, short(value), f.Says, short(f.Gate), verdict, l.command()))
			}
			_, _ = fmt.Fprintf(out, "%-70s %10s, at most %s %s: %s\n", l.What, short(value), short(f.Gate), f.Says, verdict)
		}
	}
	return failed
}
