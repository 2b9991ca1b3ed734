package policy

import (
	"cmp"
	"context"
	"io/fs"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/souk-mesh/souk/graph/model"
)

// Config says where the policies are.
type Config struct {
	Files fs.FS    // platform/, lib/, template/, standards/ and domains/NAME/; what is missing is what Souk ships
	Child []string // the command that ends in ServeChild, to check and test drafts; none does so in this process
}

// Engine holds the policies in force.
type Engine struct {
	lib      source
	child    []string
	children chan struct{} // one place for each that may run
	first    *Snapshot     // what the server was started with
	current  atomic.Pointer[Snapshot]
	change   sync.Mutex // one activation at a time
	guards   sync.Map   // model.Slug to *guard
	shadows  shadows
	looks    looks
	contract *unit   // what every draft is held to
	known    archive // revisions that were explained lately
	decided  atomic.Int64
}

// Decided counts the questions that were decided since the start. What takes
// more of them than its like can be told from it by the time.
func (e *Engine) Decided() int64 { return e.decided.Load() }

// New compiles the policies. An error of kind Invalid names the file, the line
// and the remedy.
func New(cfg Config) (*Engine, error) {
	t, err := readTree(cfg.Files)
	if err != nil {
		return nil, err
	}
	e, err := build(context.Background(), t)
	if err != nil {
		return nil, err
	}
	e.child = cfg.Child
	return e, nil
}

// maxChildren is how many drafts are checked and tested at once.
const maxChildren = 2

// build compiles a tree that holds everything.
func build(ctx context.Context, t tree) (*Engine, error) {
	e := &Engine{lib: t["souk."+folderLib], children: make(chan struct{}, maxChildren)}
	s := &Snapshot{engine: e, domains: map[model.Slug]*unit{}, standards: map[model.Slug]*unit{}}
	units, err := compileAll(ctx, t, e.lib)
	if err != nil {
		return nil, err
	}
	for _, u := range units {
		switch {
		case u.pkg == "souk."+folderPlatform:
			s.platform = u
		case u.pkg == "souk."+folderTemplate:
			s.template = u
		case u.pkg == "souk."+folderContract:
			e.contract = u
		case areStandards(u.pkg):
			s.standards[u.domain] = u
		default:
			s.domains[u.domain] = u
		}
	}
	e.first = s
	e.current.Store(s)
	return e, nil
}

// compileAll compiles the packages of a tree side by side. Of several errors it
// gives the first by the name of its package.
func compileAll(ctx context.Context, t tree, lib source) ([]*unit, error) {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(t)), func(pkg string) bool { return pkg == lib.pkg })
	units, faults := make([]*unit, len(names)), make([]error, len(names))
	var next atomic.Int64
	var work sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		work.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(names); i = int(next.Add(1)) - 1 {
				units[i], faults[i] = compile(ctx, t[names[i]], lib)
			}
		})
	}
	work.Wait()
	return units, cmp.Or(faults...)
}

// Snapshot gives the policies in force. It never changes; whoever answers a
// whole request from one snapshot answers consistently.
func (e *Engine) Snapshot() *Snapshot { return e.current.Load() }

func (e *Engine) guard(domain model.Slug) *guard {
	if g, ok := e.guards.Load(domain); ok {
		return g.(*guard)
	}
	g, _ := e.guards.LoadOrStore(domain, newGuard())
	return g.(*guard)
}
