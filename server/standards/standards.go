// Package standards owns what the shared standards say about metadata: the
// findings about a domain, product or asset, the scorecards made of them, and
// their history day by day. It changes no noun and mends nothing: the standards
// are rules that policy evaluates, the nouns belong to mesh and catalog, and
// how a standard comes into force is governance's.
package standards

import (
	"log/slog"
	"time"

	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// Service asks the standards and keeps the scores.
type Service struct {
	store store.Store
	gate  *gate.Gate
	now   func() time.Time
	log   *slog.Logger
}

// New makes the service. What Run cannot record is told to log.
func New(s store.Store, g *gate.Gate, now func() time.Time, log *slog.Logger) *Service {
	return &Service{store: s, gate: g, now: now, log: log}
}
