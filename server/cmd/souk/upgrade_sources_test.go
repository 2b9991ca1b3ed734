package main

import (
	"strings"
	"testing"
)

// TestUpgradeTellsWhatItStops starts on what an earlier program wrote: the
// operator hears of each source that the settings stop, with the line that
// keeps it, of the owners once, and of a password that stood in a source.
func TestUpgradeTellsWhatItStops(t *testing.T) {
	for engine, place := range landedStores {
		t.Run(engine, func(t *testing.T) {
			store := place(t)
			start := func() string {
				r, _ := serving(t, store)
				r.stop()
				return r.errs.String()
			}
			first, second := start(), start()
			for _, line := range []string{"sqlite://shop = sales", "sqlite://campaigns = marketing", "The configuration of the source leaky held a credential"} {
				if !strings.Contains(first, line) || strings.Contains(second, line) {
					t.Errorf("%q is not told once:\n%s\n%s", line, first, second)
				}
			}
			for _, line := range []string{
				"The source shop of sales does not run", "to keep it, set  source-folders: [sales=/",
				"to keep it, set  secret-bindings: [env:SOUK_SECRET_SHOP=sales@db.acme.example:5432]",
			} {
				if !strings.Contains(first, line) || !strings.Contains(second, line) {
					t.Errorf("%q is not told at each start:\n%s\n%s", line, first, second)
				}
			}
		})
	}
}
