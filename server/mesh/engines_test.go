package mesh_test

import (
	"testing"

	"github.com/souk-mesh/souk/server/store/enginetest"
)

// open gives each world its store.
var open enginetest.Open = enginetest.SQLite

// TestOnMongoDB tells again, on the other engine, the stories in which changes
// wait, meet or hold each other up.
func TestOnMongoDB(t *testing.T) {
	open = enginetest.MongoDB
	defer func() { open = enginetest.SQLite }()
	for name, story := range map[string]func(*testing.T){
		"changes wait": TestChangesOfWhatIsPublishedWait, "one steward alone": TestOneStewardAloneDoesNotOpen,
		"another domain's": TestOfferingWhatAnotherDomainOwns, "pointing a port": TestPointingAPortAtAnotherDomain,
		"owners change": TestOwnersChange, "new owners are asked": TestNewOwnersAreAsked, "new stewards": TestNewStewardsTakeAnotherWord,
		"moves": TestMovesAtOnceMakeNoRing, "a product's life": TestProductLife, "moving drafts": TestMovingDrafts,
		"removing a domain": TestRemoveDomain, "removing a team": TestRemoveTeam, "removing a product": TestRemoveProduct,
		"renaming a domain": TestRenameDomain, "products elsewhere": TestProductsElsewhere,
		"nothing hangs on what has gone": TestNothingHangsOnWhatHasGone,
	} {
		t.Run(name, story)
	}
}
