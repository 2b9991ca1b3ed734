// Package granting makes plans of rights and settles them, as every plugin that gives
// rights does it: what a plan stands on, when it is done, already done or overtaken,
// and how ways to read are told. What a right is in a system, the plugins know.
package granting

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/souk-mesh/souk/sdk"
)

// Plan is one that is being made.
type Plan struct{ sdk.GrantPlan }

// Do adds a statement.
func (p *Plan) Do(format string, args ...any) {
	p.Statements = append(p.Statements, fmt.Sprintf(format, args...))
}

// Remark adds a sentence for people.
func (p *Plan) Remark(format string, args ...any) {
	p.Remarks = append(p.Remarks, fmt.Sprintf(format, args...))
}

// Stand seals the plan with what it was made on.
func (p *Plan) Stand(state any) (sdk.GrantPlan, error) {
	text, err := json.Marshal(state)
	if err != nil {
		return sdk.GrantPlan{}, errors.Join(errors.New("write the state down"), err)
	}
	sum := sha256.Sum256(text)
	p.Precondition = hex.EncodeToString(sum[:])
	return p.GrantPlan, nil
}

// Settle does what was asked if that is what is planned now, and looks whether
// the server has done all of it: some only warn where a right is missing.
func Settle(asked sdk.GrantPlan, plan func() (sdk.GrantPlan, error), do func(statements []string) error) (sdk.GrantOutcome, error) {
	now, err := plan()
	switch {
	case err != nil:
		return "", err
	case len(now.Statements) == 0:
		return sdk.GrantAlready, nil
	case now.Precondition != asked.Precondition || !slices.Equal(now.Statements, asked.Statements):
		return sdk.GrantChanged, nil
	}
	if err := do(now.Statements); err != nil {
		return "", err
	}
	left, err := plan()
	if err != nil {
		return "", err
	}
	if len(left.Statements) > 0 {
		return "", sdk.Denied("the server did not do all of it: "+left.Statements[0], "look into the log of the server")
	}
	return sdk.GrantDone, nil
}

// AddWay adds a way to those of its kind, so that each is told once with all its
// columns. One without a column is about all of them.
func AddWay(ways []sdk.Way, way sdk.Way) []sdk.Way {
	same := func(w sdk.Way) bool { return w.Kind == way.Kind && w.Through == way.Through && w.Ours == way.Ours }
	i := slices.IndexFunc(ways, same)
	switch {
	case i < 0:
		return append(ways, way)
	case len(ways[i].Fields) == 0 || len(way.Fields) == 0:
		ways[i].Fields = nil
	default:
		ways[i].Fields = append(ways[i].Fields, way.Fields...)
	}
	return ways
}
