package said_test

import (
	"strings"
	"testing"

	"github.com/souk-mesh/souk/plugins/internal/said"
	"github.com/souk-mesh/souk/sdk/credential"
)

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"  Table\n 'x'\tis not there ":                     "Table 'x' is not there",
		"half \xff":                                        "half \uFFFD",
		strings.Repeat("🐪", 300):                           strings.Repeat("🐪", 200) + "…",
		"cannot reach postgres://souk:hunter2pass@db/shop": "cannot reach postgres://souk:" + credential.Mark + "@db/shop",
	} {
		if got := said.Words(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}
