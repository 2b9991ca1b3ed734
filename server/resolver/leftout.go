package resolver

import (
	"context"
	"encoding/json"
	"slices"
	"sync"

	"github.com/99designs/gqlgen/graphql"

	"github.com/souk-mesh/souk/graph/model"
)

// leftOut gathers what the lists of one operation had to leave out. It stands
// in the answer's extensions: extensions.leftOut [{domain reason until}].
type leftOut struct {
	mu   sync.Mutex
	all  []model.LeftOut
	told bool
}

func (l *leftOut) tell(ctx context.Context, more []model.LeftOut) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range more {
		if !slices.ContainsFunc(l.all, func(k model.LeftOut) bool { return k.Domain == o.Domain }) {
			l.all = append(l.all, o)
		}
	}
	if len(l.all) > 0 && !l.told {
		graphql.RegisterExtension(ctx, "leftOut", l)
		l.told = true
	}
}

// MarshalJSON writes what has been gathered.
func (l *leftOut) MarshalJSON() ([]byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return json.Marshal(l.all)
}
