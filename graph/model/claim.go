package model

import "slices"

// Disputes reports whether the sighting claims an asset that belongs to another
// domain than the source's. A claim is kept, for both domains to look at, and
// says nothing about the asset: the owner's sources do. A source that merely
// names the asset claims nothing.
func (a *Asset) Disputes(s Sighting) bool {
	return a.DomainID != "" && s.DomainID != a.DomainID && s.Claims()
}

// Claims reports whether the source says that it holds or builds the asset.
func (s Sighting) Claims() bool { return !s.Reference }

// Claimants lists the domains whose sources claim the asset of another one.
func (a *Asset) Claimants() []ID {
	var domains []ID
	for _, s := range a.Sightings {
		if a.Disputes(s) && !slices.Contains(domains, s.DomainID) {
			domains = append(domains, s.DomainID)
		}
	}
	return domains
}

// Contested is the owner of an asset that another domain's sources claim, or "".
func (a *Asset) Contested() ID {
	if len(a.Claimants()) == 0 {
		return ""
	}
	return a.DomainID
}
