package said_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/plugins/internal/said"
	"github.com/souk-mesh/souk/sdk"
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

func TestFailed(t *testing.T) {
	r := &sdk.Report{}
	if err := said.Failed(r, "list", sdk.Denied("no", "grant it")); err != nil || len(r.Capabilities) != 1 || r.Capabilities[0].OK || r.Capabilities[0].Fix != "grant it" {
		t.Error(err, r.Capabilities)
	}
	if err := said.Failed(r, "list", io.EOF); !errors.Is(err, io.EOF) || len(r.Capabilities) != 1 {
		t.Error(err, r.Capabilities)
	}
}
