package model_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
)

func voteOf(who string, role model.ApproverRole) model.Vote {
	return model.Vote{ApproverID: model.ID(who), Role: role, Approve: true}
}

func TestBallotCountsEveryPersonOnce(t *testing.T) {
	both := []model.Approval{{Role: "domain_steward", Min: 1}, {Role: "platform_steward", Min: 1}}
	for name, c := range map[string]struct {
		wanted []model.Approval
		votes  []model.Vote
		want   []int
	}{
		"nobody":                   {both, nil, []int{1, 1}},
		"one person in two roles":  {both, []model.Vote{voteOf("a", "domain_steward"), voteOf("a", "platform_steward")}, []int{0, 1}},
		"whoever can only do one":  {both, []model.Vote{voteOf("a", "domain_steward"), voteOf("a", "platform_steward"), voteOf("b", "domain_steward")}, []int{0, 0}},
		"two of one role":          {[]model.Approval{{Role: "x", Min: 2}}, []model.Vote{voteOf("a", "x"), voteOf("a", "x")}, []int{1}},
		"a vote against":           {both[:1], []model.Vote{{ApproverID: "a", Role: "domain_steward"}}, []int{1}},
		"a role that nobody wants": {both[:1], []model.Vote{voteOf("a", "owner")}, []int{1}},
		"a chain of moves": {
			[]model.Approval{{Role: "x", Min: 1}, {Role: "y", Min: 1}, {Role: "z", Min: 1}},
			[]model.Vote{voteOf("a", "x"), voteOf("a", "y"), voteOf("b", "y"), voteOf("b", "z"), voteOf("c", "x")},
			[]int{0, 0, 0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := (model.Ballot{Approvals: c.wanted, Votes: c.votes}).Lacking(); !slices.Equal(got, c.want) {
				t.Errorf("got %v lacking, want %v", got, c.want)
			}
		})
	}
}

// However persons are assigned by hand, none leaves fewer votes missing.
func TestBallotFindsTheBestAssignment(t *testing.T) {
	roles := []model.ApproverRole{"x", "y", "z"}
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		b := model.Ballot{}
		for _, role := range roles {
			b.Approvals = append(b.Approvals, model.Approval{Role: role, Min: r.IntN(3)})
		}
		holds := map[string][]model.ApproverRole{}
		people := []string{"a", "b", "c", "d", "e"}
		for _, who := range people {
			for _, role := range roles {
				if r.IntN(2) == 0 {
					holds[who] = append(holds[who], role)
					b.Votes = append(b.Votes, voteOf(who, role))
				}
			}
		}
		lacking := 0
		for _, n := range b.Lacking() {
			lacking += n
		}
		free := map[model.ApproverRole]int{}
		wanted := 0
		for _, a := range b.Approvals {
			free[a.Role], wanted = a.Min, wanted+a.Min
		}
		if want := wanted - best(people, holds, free); lacking != want {
			t.Fatalf("%+v: got %d missing, want %d", b, lacking, want)
		}
	}
}

// best tries every assignment.
func best(people []string, holds map[string][]model.ApproverRole, free map[model.ApproverRole]int) int {
	if len(people) == 0 {
		return 0
	}
	most := best(people[1:], holds, free)
	for _, role := range holds[people[0]] {
		if free[role] > 0 {
			free[role]--
			most = max(most, 1+best(people[1:], holds, free))
			free[role]++
		}
	}
	return most
}
