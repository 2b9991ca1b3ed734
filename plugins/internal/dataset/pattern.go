package dataset

import (
	"net/url"
	"strings"
)

// FromPattern gives the file of an address, as FromURI does, or the folder of all
// that fit a pattern: gs://bucket/orders/2026-*.csv is orders.
func FromPattern(pattern string) (Dataset, bool) {
	if i := strings.IndexAny(pattern, "*?[{"); i >= 0 {
		pattern = pattern[:i]
		pattern = pattern[:strings.LastIndexByte(pattern, '/')+1]
	}
	store, path, ok := strings.Cut(pattern, "://")
	if !ok {
		return Dataset{}, false
	}
	return FromURI(store + "://" + (&url.URL{Path: path}).EscapedPath())
}
