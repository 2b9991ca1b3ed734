package graph_test

import (
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph"
)

func TestDuration(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"P30D":        30 * day,
		"PT1H":        time.Hour,
		"P2W":         14 * day,
		"P1DT2H3M4S":  day + 2*time.Hour + 3*time.Minute + 4*time.Second,
		"PT90M":       90 * time.Minute,
		"PT0S":        0,
		"P366D":       366 * day,
		"P1WT604800S": 14 * day,
	} {
		got, err := graph.ParseDuration(text)
		if err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", text, got, err, want)
		}
		if back, err := graph.ParseDuration(graph.FormatDuration(want)); err != nil || back != want {
			t.Errorf("%v is written as %q and read back as %v, %v", want, graph.FormatDuration(want), back, err)
		}
	}
	for d, want := range map[time.Duration]string{
		30 * day: "P30D", 90 * time.Minute: "PT1H30M", 0: "PT0S", day + time.Second: "P1DT1S",
		-time.Hour: "-PT1H", 500 * time.Millisecond: "PT0S", -30 * time.Second: "-PT30S", -time.Millisecond: "-PT0S", day + time.Millisecond: "P1D",
	} {
		if got := graph.FormatDuration(d); got != want {
			t.Errorf("FormatDuration(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestDurationRefuses(t *testing.T) {
	for _, text := range []string{"", "P", "PT", "P1DT", "30d", "720h", "P1M", "P1Y", "P-1D", "-P1D", "P1.5D", "P99999W", "P1D ", "PT1H1H", "P99999DT99999999999H"} {
		if got, err := graph.ParseDuration(text); err == nil {
			t.Errorf("ParseDuration(%q) = %v, want an error", text, got)
		}
	}
	if _, err := graph.UnmarshalDuration(30); err == nil {
		t.Error("a number passes for a duration")
	}
}

func FuzzDuration(f *testing.F) {
	f.Add("P30D")
	f.Add("P1DT2H3M4S")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := graph.ParseDuration(text)
		if err != nil {
			return
		}
		if d < 0 {
			t.Fatalf("%q is read as %v", text, d)
		}
		if back, err := graph.ParseDuration(graph.FormatDuration(d)); err != nil || back != d {
			t.Fatalf("%q is %v, written as %q, read back as %v, %v", text, d, graph.FormatDuration(d), back, err)
		}
	})
}
