package model

import "time"

// Paging asks for one page of a list.
type Paging struct {
	First int    // 1 to 200
	After string // the cursor of the last row already seen, or ""
}

// MaxFirst is the largest page that a door gives out.
const MaxFirst = 200

// Validate reports a page size out of bounds.
func (p Paging) Validate() error {
	if p.First < 1 || p.First > MaxFirst {
		return Invalid("first", "must be between 1 and 200", "ask for at most 200 rows and go on with after")
	}
	return nil
}

// Page is one page of a list. Cursors[i] is the place just after Nodes[i].
type Page[T any] struct {
	Nodes   []T
	Cursors []string
	More    bool
	LeftOut []LeftOut // domains whose rows are not among them, though some might be
}

// LeftOut says that the rows of a domain are not in a list, and why.
type LeftOut struct {
	Domain Slug      `json:"domain"`
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"` // then the domain's rules are asked again
}
