package server

import (
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

//go:generate go test -run TestMetricsOfThePage -update-metrics

var updateMetrics = flag.Bool("update-metrics", false, "write the table of metrics into README.md")

// TestMetricsOfThePage holds the operators' table to what the server measures.
func TestMetricsOfThePage(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the room on the disk is measured on Linux only")
	}
	cfg := Defaults()
	cfg.Store = sqliteScheme + filepath.Join(t.TempDir(), "souk.db")
	s, err := New(t.Context(), cfg, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	measured := s.web().Measured()
	var table strings.Builder
	table.WriteString("| metric | what it is |\n|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(measured)) {
		fmt.Fprintf(&table, "| `%s` | %s |\n", name, measured[name])
	}
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- metrics: written by go generate -->\n", "<!-- end of the metrics -->"
	before, rest, found := strings.Cut(string(page), begin)
	got, after, closed := strings.Cut(rest, end)
	switch {
	case !found || !closed || len(measured) < 15:
		t.Fatalf("README.md has no place for the table, or the server measures only %v", measured)
	case got == table.String():
	case *updateMetrics:
		if err := os.WriteFile("README.md", []byte(before+begin+table.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("README.md tells other metrics than the server has: go generate ./server\ngot:\n%s\nwant:\n%s", got, table.String())
	}
}
