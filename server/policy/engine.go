package policy

import (
	"context"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/souk-mesh/souk/graph/model"
)

// Config says where the policies are.
type Config struct {
	Files fs.FS // platform/, lib/, template/ and domains/NAME/; what is missing is what Souk ships
}

// Engine holds the policies in force.
type Engine struct {
	lib     source
	current atomic.Pointer[Snapshot]
	change  sync.Mutex // one activation at a time
	guards  sync.Map   // model.Slug to *guard
}

// New compiles the policies. An error of kind Invalid names the file, the line
// and the remedy.
func New(cfg Config) (*Engine, error) {
	t, err := readTree(cfg.Files)
	if err != nil {
		return nil, err
	}
	e := &Engine{lib: t["souk."+folderLib]}
	s := &Snapshot{engine: e, domains: map[model.Slug]*unit{}}
	ctx := context.Background()
	for _, pkg := range slices.Sorted(maps.Keys(t)) {
		if pkg == e.lib.pkg {
			continue
		}
		u, err := compile(ctx, t[pkg], e.lib)
		if err != nil {
			return nil, err
		}
		switch pkg {
		case "souk." + folderPlatform:
			s.platform = u
		case "souk." + folderTemplate:
			s.template = u
		default:
			s.domains[u.domain] = u
		}
	}
	e.current.Store(s)
	return e, nil
}

// Snapshot gives the policies in force. It never changes; whoever answers a
// whole request from one snapshot answers consistently.
func (e *Engine) Snapshot() *Snapshot { return e.current.Load() }

// Activate puts a revision of one domain's package in force and returns its
// content address. The modules are named by their paths, domains/NAME/x.rego;
// none at all returns the domain to the template. Until the revision has
// compiled the old one decides, and an error of kind Invalid leaves it so.
func (e *Engine) Activate(ctx context.Context, domain model.Slug, modules map[string]string) (string, error) {
	if err := domain.Validate("domain"); err != nil {
		return "", err
	}
	u, err := e.compileDomain(ctx, domain, modules)
	if err != nil {
		return "", err
	}
	e.change.Lock()
	defer e.change.Unlock()
	next := e.current.Load().with(domain, u)
	e.guards.Delete(domain) // the faults were those of the old revision
	e.current.Store(next)
	return next.of(domain).revision, nil
}

func (e *Engine) compileDomain(ctx context.Context, domain model.Slug, modules map[string]string) (*unit, error) {
	if len(modules) == 0 {
		return nil, nil //nolint:nilnil // no modules stand for no package of the domain's own
	}
	s := source{pkg: domainPackage(domain), domain: domain, modules: modules}
	for file := range modules {
		at, err := place(file)
		if err != nil {
			return nil, err
		}
		if at.pkg != s.pkg {
			return nil, model.Invalid(file, "the file lies in package "+at.pkg+", but the revision is of package "+s.pkg, "propose it to the domain that owns the package")
		}
	}
	return compile(ctx, s, e.lib)
}

func (e *Engine) guard(domain model.Slug) *guard {
	if g, ok := e.guards.Load(domain); ok {
		return g.(*guard)
	}
	g, _ := e.guards.LoadOrStore(domain, newGuard())
	return g.(*guard)
}
