package policy

import (
	"cmp"
	"context"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/souk-mesh/souk/graph/model"
)

// engine holds the policies in force.
type engine struct {
	lib      source
	first    *Snapshot // what the server was started with
	current  atomic.Pointer[Snapshot]
	change   sync.Mutex // one activation at a time
	guards   sync.Map   // model.Slug to *guard
	shadows  shadows
	views    viewCache
	contract *rulePackage // what every draft is held to
	decided  atomic.Int64
}

// Decided counts the questions that were decided since the start. What takes
// more of them than its like can be told from it by the time.
func (e *engine) Decided() int64 { return e.decided.Load() }

// build compiles a tree that holds everything.
func build(ctx context.Context, t tree) (*engine, error) {
	e := &engine{lib: t["souk."+folderLib]}
	s := &Snapshot{engine: e, domains: map[model.Slug]*rulePackage{}, standards: map[model.Slug]*rulePackage{}}
	packages, err := compileAll(ctx, t, e.lib)
	if err != nil {
		return nil, err
	}
	for _, p := range packages {
		switch {
		case p.pkg == "souk."+folderPlatform:
			s.platform = p
		case p.pkg == "souk."+folderTemplate:
			s.template = p
		case p.pkg == "souk."+folderContract:
			e.contract = p
		case areStandards(p.pkg):
			s.standards[p.domain] = p
		default:
			s.domains[p.domain] = p
		}
	}
	e.first = s
	e.current.Store(s)
	return e, nil
}

// Library gives the text that every package is compiled with.
func (e *engine) Library() source { return e.lib }

// Contract gives what every draft is held to.
func (e *engine) Contract() *rulePackage { return e.contract }

// AtStart gives the policies that the server was started with.
func (e *engine) AtStart() *Snapshot { return e.first }

// compileAll compiles the packages of a tree side by side. Of several errors it
// gives the first by the name of its package.
func compileAll(ctx context.Context, t tree, lib source) ([]*rulePackage, error) {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(t)), func(pkg string) bool { return pkg == lib.pkg })
	packages, faults := make([]*rulePackage, len(names)), make([]error, len(names))
	var next atomic.Int64
	var work sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		work.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(names); i = int(next.Add(1)) - 1 {
				packages[i], faults[i] = compilePackage(ctx, t[names[i]], lib)
			}
		})
	}
	work.Wait()
	return packages, cmp.Or(faults...)
}

// Snapshot gives the policies in force. It never changes; whoever answers a
// whole request from one snapshot answers consistently.
func (e *engine) Snapshot() *Snapshot { return e.current.Load() }

func (e *engine) guard(domain model.Slug) *guard {
	if g, ok := e.guards.Load(domain); ok {
		return g.(*guard)
	}
	g, _ := e.guards.LoadOrStore(domain, newGuard())
	return g.(*guard)
}
