package model

import "strings"

// Namespace says to which domain belongs what goes by its names: a host, a
// database, a schema, a folder or any beginning of a name. An administrator
// gives it; where several fit a name, the longest decides.
type Namespace struct {
	Meta
	Namespace string `json:"namespace"`        // OpenLineage namespace, such as postgres://db.acme.example:5432
	Prefix    string `json:"prefix,omitempty"` // whole parts of a name, such as shop.public; with a * at the end any beginning; "" is everything
	DomainID  ID     `json:"domainId"`
	Released  bool   `json:"released,omitempty"` // it belongs to nobody any longer, and goes when its assets have been settled
	Pending   bool   `json:"pending,omitempty"`  // its assets have not all been given to their owner yet
	Settled   string `json:"settled,omitempty"`  // where the work on them stands
}

// Label is how people read a namespace: postgres://db.acme.example:5432/shop.public.
func (n Namespace) Label() string { return strings.TrimSuffix(n.Namespace+"/"+n.Prefix, "/") }

// Upgrade marks a step that a store has taken once, on its way up from an
// older program.
type Upgrade struct {
	Meta
	Name string `json:"name"`
}
