package server

import (
	"context"
	"fmt"

	"github.com/souk-mesh/souk/graph/model"
)

// shownNamespaces is how many of the first namespaces are told; all of them are
// in the query namespaces.
const shownNamespaces = 50

// forget makes the store's file forget what was taken out, as far as that goes,
// and says how far.
func (s *Server) forget() string {
	file, ok := s.store.(interface{ Vacuum() error })
	if !ok {
		return "  Backups and MongoDB's oplog still hold it, until they are rotated."
	}
	if err := file.Vacuum(); err != nil {
		return "  The store's file could not be written anew and may still hold it: " + err.Error()
	}
	return "  The store's file was written anew without it; backups still hold it."
}

// BringUp takes the store of an older program up to this one, once, and gives
// what its operator has to know, line by line: what became of ownership, and
// each source that the settings stop, with the lines that keep it. It is to be
// called before anything is harvested.
func (s *Server) BringUp(ctx context.Context) ([]string, error) {
	ctx = model.WithPrincipal(ctx, model.System())
	list, err := s.Catalog.AdoptOwners(ctx)
	if err != nil {
		return nil, fmt.Errorf("take the owners of assets over: %w", err)
	}
	var lines []string
	if len(list) > 0 {
		lines = append(lines, fmt.Sprintf("Ownership as it stood is now a list of %s. Whoever had shown a table first owned it, so look the list over", model.Counted(len(list), "namespace")),
			"(query namespaces) and mend it with assignNamespace:")
		for _, n := range list[:min(len(list), shownNamespaces)] {
			lines = append(lines, "  "+s.Catalog.Describe(ctx, n))
		}
	}
	cleansed, err := s.Harvest.Cleanse(ctx)
	if err != nil {
		return nil, fmt.Errorf("take credentials out of sources: %w", err)
	}
	for _, name := range cleansed {
		lines = append(lines, fmt.Sprintf("The configuration of the source %s held a credential, which was taken out. Change it: it was shown to whoever could see the source.", name))
	}
	if len(cleansed) > 0 {
		lines = append(lines, s.forget())
	}
	stopped, err := s.Harvest.Stopped(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for stopped sources: %w", err)
	}
	for _, one := range stopped {
		lines = append(lines, fmt.Sprintf("The source %s of %s does not run: %s", one.Source.Name, one.Domain, one.Why))
		for _, line := range one.Lines {
			lines = append(lines, "  to keep it, set  "+line)
		}
	}
	return lines, nil
}
