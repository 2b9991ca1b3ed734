package lake

import (
	"context"
	"slices"

	"github.com/souk-mesh/souk/sdk"
)

// Source is a store of many buckets, as the SDK wants a source. What a vendor's
// plugin brings is how its buckets are listed, and how one is read.
type Source struct {
	Selection Selection
	Options   Options
	Word      string // of the vendor for a bucket
	Nothing   error  // where no bucket fits the selection
	Shut      func() // gives back what the plugin has opened

	// Buckets lists the names of all buckets. It is asked unless the selection
	// names every one.
	Buckets func(ctx context.Context) ([]string, error)

	// Bucket gives the scope of one, without its name and prefix.
	Bucket func(name string) Scope
}

// Close lets the connections go.
func (s *Source) Close() error {
	s.Shut()
	return nil
}

// Check tries the list of buckets, each listing and a read.
func (s *Source) Check(ctx context.Context, r *sdk.Report) error {
	scopes, err := s.Scopes(ctx)
	if err != nil {
		return err
	}
	r.OK("list " + s.Word + "s")
	return Check(ctx, scopes, s.Options, r)
}

// Harvest emits the datasets of every bucket.
func (s *Source) Harvest(ctx context.Context, _ sdk.Request, out sdk.Sink) error {
	scopes, err := s.Scopes(ctx)
	if err != nil {
		return err
	}
	return Run(ctx, scopes, s.Options, out)
}

// Scopes lists the buckets, unless the configuration names every one.
func (s *Source) Scopes(ctx context.Context) ([]Scope, error) {
	names, all := s.Selection.Named()
	if !all {
		listed, err := s.Buckets(ctx)
		if err != nil {
			return nil, err
		}
		for _, name := range listed {
			if s.Selection.Takes(name) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	if len(names) == 0 {
		return nil, s.Nothing
	}
	var scopes []Scope
	for _, name := range names {
		scopes = append(scopes, s.Selection.Scopes(s.Word, name, s.Bucket(name))...)
	}
	return scopes, nil
}
