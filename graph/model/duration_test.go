package model_test

import (
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
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
		"90d":         90 * day,
		"P90D":        90 * day,
		"36h":         36 * time.Hour,
		"2160h":       90 * day,
		"2w":          14 * day,
		"1w2d3h4m5s":  9*day + 3*time.Hour + 4*time.Minute + 5*time.Second,
		"1d12h":       36 * time.Hour,
		"90s":         90 * time.Second,
		"1.5h":        90 * time.Minute,
		"0s":          0,
	} {
		got, err := model.ParseDuration("", text)
		if err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", text, got, err, want)
		}
		if back, err := model.ParseDuration("", model.FormatDuration(want)); err != nil || back != want {
			t.Errorf("%v is written as %q and read back as %v, %v", want, model.FormatDuration(want), back, err)
		}
	}
	if got, err := model.ParseDuration("", "250ms"); err != nil || got != 250*time.Millisecond {
		t.Errorf("250ms is %v, %v", got, err)
	}
	for d, want := range map[time.Duration]string{
		30 * day: "P30D", 90 * time.Minute: "PT1H30M", 0: "PT0S", day + time.Second: "P1DT1S",
		-time.Hour: "-PT1H", 500 * time.Millisecond: "PT0S", -30 * time.Second: "-PT30S", -time.Millisecond: "-PT0S", day + time.Millisecond: "P1D",
	} {
		if got := model.FormatDuration(d); got != want {
			t.Errorf("FormatDuration(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestDurationRefuses(t *testing.T) {
	for text, says := range map[string]string{
		"": "is empty", "P": "no duration", "PT": "no duration", "P1DT": "no duration", "30": "without a unit", "1e3": "without a unit", "-5": "without a unit",
		"P1M": "months differ", "P1Y": "months differ", "1y": "months differ", "3M": "months differ", "P-1D": "no duration", "-P1D": "negative", "-1h": "negative",
		"P1.5D": "no duration", "P99999W": "no duration", "P1D ": "no duration", " 90d": "no duration", "PT1H1H": "no duration", "d": "no duration", "12h1d": "no duration",
		"90 d": "no duration", "90D": "no duration", "1us": "no duration", "P99999DT999999H99999999M999999999S9": "no duration",
		"999999999h": "longer", "99999dT": "no duration", "P9999WT999999H99999999M999999999S": "longer", "9999w99999d": "longer", strings.Repeat("1h", 40): "no duration",
	} {
		got, err := model.ParseDuration("lifetime", text)
		if err == nil || !strings.Contains(err.Error(), says) || !strings.HasPrefix(err.Error(), "lifetime: ") || !strings.Contains(err.Error(), "90d or P90D") {
			t.Errorf("ParseDuration(%q) = %v, %v; want an error that says %q", text, got, err, says)
		}
	}
}

func FuzzDuration(f *testing.F) {
	for _, text := range []string{"P30D", "P1DT2H3M4S", "90d", "1w2d3h", "1.5h", "250ms"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := model.ParseDuration("", text)
		if err != nil {
			return
		}
		if d < 0 {
			t.Fatalf("%q is read as %v", text, d)
		}
		whole := d.Truncate(time.Second)
		if back, err := model.ParseDuration("", model.FormatDuration(d)); err != nil || back != whole {
			t.Fatalf("%q is %v, written as %q, read back as %v, %v", text, d, model.FormatDuration(d), back, err)
		}
	})
}
