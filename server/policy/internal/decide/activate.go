package decide

import (
	"context"

	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// Compile makes a package of the draft; one without modules stands for what the
// server was started with, which is nil here.
func (e *Engine) Compile(ctx context.Context, d sandbox.Draft) (*Package, error) {
	s, err := d.Source()
	if err != nil || len(d.Modules) == 0 {
		return nil, err
	}
	standards, err := e.compileStandards(ctx, d)
	if err != nil {
		return nil, err
	}
	u, err := compilePackage(ctx, s, e.lib)
	if err == nil && standards != nil {
		u.standards, u.Revision = standards, sandbox.Revision(map[string]string{"rules": u.Revision, "standards": standards.Revision})
	}
	return u, err
}

// Activate puts a revision of one package in force and returns its content
// address. A draft without modules returns the package to what the server was
// started with. Until the revision has compiled the old one decides, and an
// error of kind Invalid leaves it so.
func (e *Engine) Activate(ctx context.Context, d sandbox.Draft) (string, error) {
	u, err := e.Compile(ctx, d)
	if err != nil {
		return "", err
	}
	e.change.Lock()
	defer e.change.Unlock()
	next := e.current.Load().With(d.Domain, u)
	e.guards.Delete(d.Domain) // the faults were those of the old revision
	e.current.Store(next)
	return next.Of(d.Domain).Revision, nil
}
