// Package review says whether a draft is sound. It owns the checks that an author
// hears of at once, the tests of a draft with their coverage and the conditions
// that no test notices, the contract that every draft is held to, and the child
// process in which strangers' rules are tried.
//
// It refuses to try a draft in the server's own process when it has a child,
// and to put anything in force.
package review

import (
	"github.com/souk-mesh/souk/server/policy/internal/decide"
)

// maxChildren is how many drafts are checked and tested at once.
const maxChildren = 2

// Desk looks drafts over, beside the policies in force.
type Desk struct {
	*decide.Engine
	child []string
	slots chan struct{} // one place for each child that may run
}

// NewDesk tries drafts with the command in a process of their own, and in this
// one where there is no command.
func NewDesk(e *decide.Engine, child []string) *Desk {
	return &Desk{Engine: e, child: child, slots: make(chan struct{}, maxChildren)}
}
