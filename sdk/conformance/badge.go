package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
)

// Badge is how a plugin did, to be kept beside it. The next release is compared
// with what it says of the plugin.
type Badge struct {
	Plugin       string          `json:"plugin"`
	Version      string          `json:"version"`
	SHA256       string          `json:"sha256"` // of the program that was judged
	Suite        string          `json:"suite"`  // Version
	Passed       bool            `json:"passed"`
	Cases        []Verdict       `json:"cases"`
	Emits        []string        `json:"emits"`
	Offers       []string        `json:"offers,omitempty"`
	Schema       json.RawMessage `json:"schema"`
	SecretFields []string        `json:"secretFields,omitempty"`
}

// Description is what the plugin said of itself, as far as releases are compared.
func (b *Badge) Description() *host.Description {
	return &host.Description{Info: sdk.Info{Name: b.Plugin, Version: b.Version, Emits: b.Emits, Offers: b.Offers}, Schema: b.Schema, SecretFields: b.SecretFields}
}

// ReadBadge reads what Write has written.
func ReadBadge(path string) (*Badge, error) {
	content, err := os.ReadFile(path) //nolint:gosec // the file that the plugin's author names
	if err != nil {
		return nil, err
	}
	b := &Badge{}
	if err := json.Unmarshal(content, b); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

// Write writes the badge to a file.
func (b *Badge) Write(path string) error {
	text, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644) //nolint:gosec // for everybody to read
}

// Report judges a program and tells everything that a badge says.
func Report(ctx context.Context, program host.Spec, f Fixture) *Badge {
	s := newSuite(ctx, program, f)
	s.ways = []way{&outside{suite: s}}
	b := &Badge{SHA256: program.SHA256, Suite: Version, Cases: s.judge(), Passed: true}
	for _, v := range b.Cases {
		b.Passed = b.Passed && len(v.Problems) == 0
	}
	if d := s.description(); d != nil {
		b.Plugin, b.Version, b.Emits, b.Offers, b.Schema, b.SecretFields = d.Info.Name, d.Info.Version, d.Info.Emits, d.Info.Offers, d.Schema, d.SecretFields
	}
	return b
}
