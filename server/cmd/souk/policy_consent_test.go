package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestPolicyExplainNamesTheConsent tells by which rules of the asker's domain a
// decision was made, and says nothing of them where they had no say.
func TestPolicyExplainNamesTheConsent(t *testing.T) {
	for consent, want := range map[string]string{
		"":         "decided by sha256:1 and, of sales, sha256:2\n",
		"sha256:3": "decided by sha256:1 and, of sales, sha256:2 and, of the asker's domain, sha256:3\n",
	} {
		e := explained{Domain: "sales"}
		e.Decision.Revisions.Platform, e.Decision.Revisions.Domain, e.Decision.Revisions.Consent = "sha256:1", "sha256:2", consent
		var out bytes.Buffer
		(&program{stdout: &out}).tell(e)
		if !strings.HasSuffix(out.String(), want) {
			t.Errorf("got %q, want %q at the end", out.String(), want)
		}
	}
}
