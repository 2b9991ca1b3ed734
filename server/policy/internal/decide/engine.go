// Package decide answers questions by the policies in force. It owns what is in
// force and how another revision takes its place, the order in which packages
// are asked, the guard that lets failing rules rest, the views of lists, the
// findings of standards, and the drafts on trial beside all that.
//
// It lies below the rooms that judge drafts (review, impact), explain decisions
// and pack rules for other engines, so that they ask the same evaluator by its
// own type. It refuses to judge a draft, and to look anything up.
package decide

import (
	"cmp"
	"context"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/filter"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// Engine holds the policies in force.
type Engine struct {
	lib      sandbox.Source
	started  []*Package // what the tree held, but for the library
	first    *Snapshot  // what the server was started with
	current  atomic.Pointer[Snapshot]
	change   sync.Mutex // one activation at a time
	guards   sync.Map   // model.Slug to *guard
	machine  *machine
	shadows  shadows
	views    viewCache[filter.View]
	rights   viewCache[Rights]
	contract *Package // what every draft is held to
	decided  atomic.Int64
	observe  observer // may be nil
}

// observer is told of a decision. The action is one of the mesh's own, or "".
type observer = func(ctx context.Context, action model.Action, outcome model.Outcome, begun time.Time)

// Decided counts the questions that the rules were asked since the start. What takes
// more of them than its like can be told from it by the time.
func (e *Engine) Decided() int64 { return e.decided.Load() }

// Build compiles a tree that holds everything. What another engine was started
// with is taken from it where the text is the same; it may be nil. Observe is told
// of every decision, and may be nil too.
func Build(ctx context.Context, t sandbox.Tree, other *Engine, observe observer) (*Engine, error) {
	e := &Engine{lib: t["souk."+sandbox.FolderLib], observe: observe, machine: newMachine()}
	s := &Snapshot{engine: e, domains: map[model.Slug]*Package{}, standards: map[model.Slug]*Package{}}
	packages, err := compileAll(ctx, t, e.lib, other)
	if err != nil {
		return nil, err
	}
	e.started = packages
	for _, p := range packages {
		switch {
		case p.Pkg == "souk."+sandbox.FolderPlatform:
			s.platform = p
		case p.Pkg == "souk."+sandbox.FolderTemplate:
			s.template = p
		case p.Pkg == "souk."+sandbox.FolderContract:
			e.contract = p
		case sandbox.AreStandards(p.Pkg):
			s.standards[p.Domain] = p
		default:
			s.domains[p.Domain] = p
		}
	}
	e.first = s
	e.current.Store(s)
	return e, nil
}

// Library gives the text that every package is compiled with.
func (e *Engine) Library() sandbox.Source { return e.lib }

// Contract gives what every draft is held to.
func (e *Engine) Contract() *Package { return e.contract }

// AtStart gives the policies that the server was started with.
func (e *Engine) AtStart() *Snapshot { return e.first }

// compileAll compiles the packages of a tree side by side. Of several errors it
// gives the first by the name of its package.
func compileAll(ctx context.Context, t sandbox.Tree, lib sandbox.Source, other *Engine) ([]*Package, error) {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(t)), func(pkg string) bool { return pkg == lib.Pkg })
	packages, faults := make([]*Package, len(names)), make([]error, len(names))
	var next atomic.Int64
	var work sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		work.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(names); i = int(next.Add(1)) - 1 {
				if packages[i] = other.startedWith(t[names[i]], lib); packages[i] == nil {
					packages[i], faults[i] = compilePackage(ctx, t[names[i]], lib)
				}
			}
		})
	}
	work.Wait()
	return packages, cmp.Or(faults...)
}

// startedWith gives the package of this very text that the engine was started
// with, or nil. Packages never change, so that several engines may decide by one.
func (e *Engine) startedWith(s, lib sandbox.Source) *Package {
	if e == nil || !maps.Equal(e.lib.Modules, lib.Modules) {
		return nil
	}
	for _, p := range e.started {
		if p.Pkg == s.Pkg && maps.Equal(p.Modules, s.Modules) {
			return p
		}
	}
	return nil
}

// Snapshot gives the policies in force. It never changes; whoever answers a
// whole request from one snapshot answers consistently.
func (e *Engine) Snapshot() *Snapshot { return e.current.Load() }

func (e *Engine) guard(domain model.Slug) *guard {
	if g, ok := e.guards.Load(domain); ok {
		return g.(*guard)
	}
	g, _ := e.guards.LoadOrStore(domain, newGuard(e.machine))
	return g.(*guard)
}
