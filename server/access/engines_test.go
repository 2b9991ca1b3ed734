package access_test

import (
	"testing"

	"github.com/souk-mesh/souk/server/store/enginetest"
)

// open gives each world its store.
var open enginetest.Open = enginetest.SQLite

// TestOnMongoDB tells again, on the other engine, the stories in which votes
// and grants meet, wait or end.
func TestOnMongoDB(t *testing.T) {
	open = enginetest.MongoDB
	defer func() { open = enginetest.SQLite }()
	for name, story := range map[string]func(*testing.T){
		"story": TestStory, "two words": TestRestrictedDataWantTwoWords, "two domains": TestApprovalsOfTwoDomains,
		"asked again": TestPoliciesAreAskedAgainBeforeTheGrant, "want more": TestPoliciesMayComeToWantMore,
		"reject and cancel": TestRejectAndCancel, "no second request": TestNoSecondRequest, "at once": TestAtOnce,
		"roles held": TestVotesCountWhileTheirRoleIsHeld, "two people": TestFourEyesAreTwoPeople,
		"right and mutation": TestRightAndMutationAgree, "retired": TestRetiredProduct, "approving on a retired product": TestApprovingOnARetiredProduct,
		"grants expire": TestGrantsExpireByTheClock, "requests expire": TestRequestsExpireByTheClock,
	} {
		t.Run(name, story)
	}
}
