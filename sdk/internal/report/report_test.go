package report_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/souk-mesh/souk/sdk/internal/report"
)

func TestClip(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "short": "short", "a\xffb": "a\uFFFDb", strings.Repeat("x", 2048): strings.Repeat("x", 2048),
		strings.Repeat("x", 2049): strings.Repeat("x", 2048) + "...",
	} {
		if got := report.Clip(text); got != want {
			t.Errorf("%.20q: got %.30q of %d bytes, want %.30q", text, got, len(got), want)
		}
	}
	if cut := report.Clip(strings.Repeat("x", 2047) + "ü"); !utf8.ValidString(cut) {
		t.Errorf("got %q", cut)
	}
}
