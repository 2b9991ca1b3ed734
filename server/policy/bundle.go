package policy

import "github.com/souk-mesh/souk/server/policy/internal/bundle"

// Rules for engines outside of Souk.
type (
	Bundle    = bundle.Bundle
	BundleKey = bundle.Key
	Holdings  = bundle.Holdings
	Holding   = bundle.Holding
)

// ScopePlatform is the scope of a bundle that decides for every domain.
const ScopePlatform = bundle.ScopePlatform

// BundleOf collects what decides over the resources of a scope, for engines
// outside of Souk.
func BundleOf(s *Snapshot, scope string, held Holdings) (Bundle, error) {
	return bundle.Of(s, scope, held)
}

// ReadBundleKey reads a private key for ES256 in PEM.
func ReadBundleKey(text []byte) (BundleKey, error) { return bundle.ReadKey(text) }
