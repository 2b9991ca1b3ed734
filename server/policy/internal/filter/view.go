package filter

import (
	"github.com/souk-mesh/souk/graph/model"
)

// View is what one asker may do with the rows of one type: a condition for the
// rows of each domain that writes its own rules, one for those of all others,
// and one for what belongs to the platform. A part that no condition can
// express is nil, and its rows have to be asked about one by one.
type View struct {
	Platform *Condition
	Template *Condition
	Domains  map[model.Slug]*Condition
}

// Of gives the condition for the rows of a domain; "" is the platform.
func (v View) Of(domain model.Slug) *Condition {
	if domain == "" {
		return v.Platform
	}
	if c, own := v.Domains[domain]; own {
		return c
	}
	return v.Template
}

// Whole reports whether conditions express all rules.
func (v View) Whole() bool {
	for _, c := range v.Domains {
		if c == nil {
			return false
		}
	}
	return v.Platform != nil && v.Template != nil
}
