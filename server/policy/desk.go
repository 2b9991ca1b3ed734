package policy

// maxChildren is how many drafts are checked and tested at once.
const maxChildren = 2

// desk looks drafts over, beside the policies in force.
type desk struct {
	*engine
	child []string
	slots chan struct{} // one place for each child that may run
}

// newDesk tries drafts with the command in a process of their own, and in this
// one where there is no command.
func newDesk(e *engine, child []string) *desk {
	return &desk{engine: e, child: child, slots: make(chan struct{}, maxChildren)}
}
