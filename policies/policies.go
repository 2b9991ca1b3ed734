// Package policies holds the Rego that Souk ships: the platform's guardrails,
// the shared library, and the template that a domain lives by until it writes
// its own. It decides nothing: server/policy reads it.
package policies

import "embed"

// Files is the tree of policies, as server/policy wants it.
//
//go:embed all:platform all:lib all:template all:standards all:contract
var Files embed.FS
