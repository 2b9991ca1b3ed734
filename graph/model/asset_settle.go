package model

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Settle recomputes the exported facts from the sightings: each fact comes
// from the best-ranked source that states it. Of two that hold the asset, a
// catalogue goes before a listing of files: a name that somebody has given says
// more than a path.
func (a *Asset) Settle(at time.Time) {
	slices.SortStableFunc(a.Sightings, func(x, y Sighting) int {
		return cmp.Or(cmp.Compare(x.Rank, y.Rank), cmp.Compare(x.byFiles(), y.byFiles()), cmp.Compare(x.SourceID, y.SourceID))
	})
	a.clearFacts()
	for _, s := range a.Sightings {
		if a.Disputes(s) {
			continue
		}
		a.Kind = cmp.Or(a.Kind, s.Kind)
		a.ShortName = cmp.Or(a.ShortName, s.ShortName)
		if a.Description == "" && s.Description != "" {
			a.Description, a.DescribedBy = s.Description, a.teller(s)
		}
		a.Owners = union(a.Owners, s.Owners)
		a.OwnerRoles = union(a.OwnerRoles, s.OwnerRoles)
		a.Tags = union(a.Tags, s.Tags)
		a.Fields = mergeFields(a.Fields, s.Fields, a.teller(s))
		if len(a.ForeignKeys) == 0 {
			a.ForeignKeys = s.ForeignKeys
		}
		if a.Rows == nil {
			a.Rows = s.Rows
		}
		a.Properties = fill(a.Properties, s.Properties)
		a.fill(s.AssetDetails)
	}
	a.settleStatus(at)
}

// byFiles is 1 where the source knows the asset as so many files in a folder, and
// else 0. Every store of objects tells how many there are.
func (s Sighting) byFiles() int {
	if s.Properties["files"] != "" {
		return 1
	}
	return 0
}

// teller is the source of a sighting, where it is not the only one.
func (a *Asset) teller(s Sighting) ID {
	if len(a.Sightings) == 1 {
		return ""
	}
	return s.SourceID
}

// Withdraw takes back what a source had shown of the asset in a scope.
func (a *Asset) Withdraw(source ID, scope string, at time.Time) {
	before := len(a.Sightings)
	a.Sightings = slices.DeleteFunc(a.Sightings, func(o Sighting) bool { return o.SourceID == source && o.Scope == scope })
	if before > 0 && len(a.Sightings) == 0 {
		a.Status = AssetActive // until now, also when it was only named
	}
	a.Settle(at)
}

// Unlist marks what a source had shown of the asset in a scope that it lists no
// longer. It reports whether that is news.
func (a *Asset) Unlist(source ID, scope string, at time.Time) bool {
	news := false
	for i := range a.Sightings {
		s := &a.Sightings[i]
		if s.SourceID == source && s.Scope == scope && s.UnlistedSince == nil {
			s.UnlistedSince, news = &at, true
		}
	}
	return news
}

// Unlisted reports an asset of which nobody knows whether it is still there:
// those who had shown it do not list its place any more.
func (a *Asset) Unlisted() bool {
	listed := func(s Sighting) bool { return s.UnlistedSince == nil && (!s.Reference || a.Status != AssetActive) }
	return len(a.Sightings) > 0 && !slices.ContainsFunc(a.Sightings, listed)
}

// Outdated reports facts that were settled by an older program, which knew
// neither whose a description is nor that a name alone shows nothing.
func (a *Asset) Outdated() bool {
	if a.Status == AssetActive && !slices.ContainsFunc(a.Sightings, func(s Sighting) bool { return !s.Reference }) {
		return true
	}
	if len(a.Sightings) < 2 {
		return false
	}
	nameless := func(f AssetField) bool { return f.Description != "" && f.DescribedBy == "" }
	return a.Description != "" && a.DescribedBy == "" || slices.ContainsFunc(a.Fields, nameless)
}

func (a *Asset) clearFacts() {
	if len(a.Sightings) == 0 {
		return // the last facts known stay readable after retirement
	}
	a.Kind, a.ShortName, a.Description, a.DescribedBy = "", "", "", ""
	a.Owners, a.OwnerRoles, a.Tags, a.Fields, a.ForeignKeys, a.Rows, a.Properties = nil, nil, nil, nil, nil, nil, nil
	a.AssetDetails = AssetDetails{}
}

// settleStatus makes an asset active that a source holds or builds. Who only
// uses it does not know whether it is still there.
func (a *Asset) settleStatus(at time.Time) {
	switch {
	case slices.ContainsFunc(a.Sightings, func(s Sighting) bool { return s.Claims() && !a.Disputes(s) }):
		a.Status, a.RetiredAt = AssetActive, nil
	case len(a.Sightings) > 0:
		a.Status, a.RetiredAt = AssetUnresolved, nil
	case a.Status == AssetActive:
		a.Status, a.RetiredAt = AssetRetired, &at
	case a.Status == "":
		a.Status = AssetUnresolved
	}
	a.Kind = cmp.Or(a.Kind, KindOther)
}

// mergeFields keeps the better sources' fields and fills their gaps from the
// other; a field that only the other names is no field of the asset, unless
// the better ones name none at all.
func mergeFields(better, other []AssetField, teller ID) []AssetField {
	if len(better) == 0 {
		better = slices.Clone(other)
		for i := range better {
			if better[i].Description != "" {
				better[i].DescribedBy = teller
			}
		}
		return better
	}
	same := fieldsOf(better, other)
	for i := range better {
		j, found := same[better[i].Name]
		if !found {
			continue
		}
		f := &better[i]
		if f.Description == "" && other[j].Description != "" {
			f.Description, f.DescribedBy = other[j].Description, teller
		}
		f.NativeType = cmp.Or(f.NativeType, other[j].NativeType)
		f.Tags = union(f.Tags, other[j].Tags)
		f.Meta = fill(f.Meta, other[j].Meta)
		if len(f.Values) == 0 {
			f.Values = other[j].Values
		}
	}
	return better
}

// fieldsOf finds in other the fields of better, by name: the exact one, or the
// one that differs in the case of ASCII letters only, where neither side has
// two of these. So id and ID stay two fields.
func fieldsOf(better, other []AssetField) map[string]int {
	exact, alike, rivals := map[string]int{}, map[string]int{}, map[string]int{}
	for i, f := range other {
		exact[f.Name] = i
		alike[FoldASCII(f.Name)] = i
		rivals[FoldASCII(f.Name)]++
	}
	ours := map[string]int{}
	for _, f := range better {
		ours[FoldASCII(f.Name)]++
	}
	same := make(map[string]int, len(better))
	for _, f := range better {
		low := FoldASCII(f.Name)
		if i, found := exact[f.Name]; found {
			same[f.Name] = i
		} else if rivals[low] == 1 && ours[low] == 1 {
			same[f.Name] = alike[low]
		}
	}
	return same
}

// FieldName is the name of the field that a tool means by the name: that very
// one, or the one that differs in the case of ASCII letters only, where there
// is no second one. A name that means no field comes back as it is.
func (a *Asset) FieldName(name string) string {
	alike, low := []string{}, FoldASCII(name)
	for _, f := range a.Fields {
		if f.Name == name {
			return name
		}
		if FoldASCII(f.Name) == low {
			alike = append(alike, f.Name)
		}
	}
	if len(alike) == 1 {
		return alike[0]
	}
	return name
}

// fill adds to a what only b says. Neither of the two is changed, since both
// may belong to a sighting.
func fill(a, b map[string]string) map[string]string {
	if len(b) == 0 {
		return a
	}
	both := make(map[string]string, len(a)+len(b))
	maps.Copy(both, b)
	maps.Copy(both, a)
	return both
}

func union(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(slices.Clip(a), s)
		}
	}
	return a
}
