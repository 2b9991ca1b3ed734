package model

import "slices"

// AssetKinds lists the kinds of asset that have a word of their own.
func AssetKinds() []AssetKind {
	return []AssetKind{
		KindTable, KindView, KindMaterializedView, KindSeed, KindSnapshot, KindFile, KindTopic, KindDashboard, KindJob, KindOther,
	}
}

// Shown is the kind as every door shows it: one that has no word of its own,
// such as an application's RECORD, is OTHER.
func (k AssetKind) Shown() AssetKind {
	if k == "" || slices.Contains(AssetKinds(), k) {
		return k
	}
	return KindOther
}

// Is reports whether an asset of the kind goes by the word: by its own, or by
// the one that it is shown with.
func (k AssetKind) Is(word AssetKind) bool { return k == word || k.Shown() == word }
