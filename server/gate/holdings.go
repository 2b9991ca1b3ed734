package gate

import (
	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
)

// holdings are the live grants of one subject, found by their products: a page
// of rows looks each up, and some people hold thousands.
type holdings struct {
	all []policy.GrantFact
	of  map[model.ID][]policy.GrantFact
}

func hold(grants []policy.GrantFact) holdings {
	h := holdings{all: grants, of: make(map[model.ID][]policy.GrantFact, len(grants))}
	for _, g := range grants {
		h.of[g.Product] = append(h.of[g.Product], g)
	}
	return h
}

// on gives the grants on the resource, or on the product that it has to do with.
func (h holdings) on(res policy.Resource) []policy.GrantFact {
	if res.ID == res.Product || len(h.of[res.ID]) == 0 {
		return h.of[res.Product]
	}
	if len(h.of[res.Product]) == 0 {
		return h.of[res.ID]
	}
	return relevant(h.all, res)
}
