package pdp

import (
	"slices"
	"testing"

	"github.com/souk-mesh/souk/server/gate"
)

// inside are the nouns that other systems do not ask about: their types are, as
// all others, the kinds of assets that applications keep.
var inside = map[string]string{
	"team": "known by its members", "source": "run by ours alone", "change": "voted on here", "namespace": "kept by administrators",
	"principal": "asked about as a subject", "token": "opens Souk alone", "policy": "made here", "decision": "read in the log", "event": "read in the feed",
}

// TestNounsAreAskedAboutOrSayWhyNot fails for a noun that is new and has no row in
// nouns, and for a row that lacks a part.
func TestNounsAreAskedAboutOrSayWhyNot(t *testing.T) {
	rows := map[string]noun{}
	for _, n := range nouns() {
		if rows[n.typ].typ != "" || n.find == nil || n.nothing == nil || n.search == nil || n.outside == nil || len(n.actions) == 0 {
			t.Errorf("the row of %s is there twice or lacks a part", n.typ)
		}
		rows[n.typ] = n
	}
	known := gate.New(nil, nil, nil, nil).Nouns()
	for _, n := range known {
		_, asked := rows[n.Type]
		if _, hidden := inside[n.Type]; asked == hidden {
			t.Errorf("%s: give it a row in nouns, or say in inside why no other system asks about it", n.Type)
		}
	}
	for typ := range rows {
		if !slices.ContainsFunc(known, func(n gate.Noun) bool { return n.Type == typ }) {
			t.Errorf("%s is none of the nouns that the policies know", typ)
		}
	}
}
