package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
)

const (
	maxKeptViews = 256  // whole views of the snapshot in force
	maxKeptParts = 2048 // kinds of askers whose conditions one package remembers
)

// looks remembers the views of the snapshot in force.
type looks struct {
	mu       sync.Mutex
	snapshot *Snapshot
	known    map[string]View
}

func (l *looks) get(s *Snapshot, key string) (View, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.snapshot != s {
		return View{}, false
	}
	v, ok := l.known[key]
	return v, ok
}

func (l *looks) put(s *Snapshot, key string, v View) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.snapshot != s || len(l.known) >= maxKeptViews {
		l.snapshot, l.known = s, map[string]View{}
	}
	l.known[key] = v
}

// traits are what rules can read of an asker and of the circumstances that
// does not differ from row to row.
var traits = []struct {
	path string
	of   func(*Question) any
}{
	{"subject.type", func(q *Question) any { return q.Subject.Type }},
	{"subject.id", func(q *Question) any { return q.Subject.ID }},
	{"subject.name", func(q *Question) any { return q.Subject.Name }},
	{"subject.domain", func(q *Question) any { return q.Subject.Domain }},
	{"subject.teams", func(q *Question) any { return q.Subject.Teams }},
	{"subject.steward_of", func(q *Question) any { return q.Subject.StewardOf }},
	{"subject.roles", func(q *Question) any { return q.Subject.Roles }},
	{"subject.clearance", func(q *Question) any { return q.Subject.Clearance }},
	{"subject.region", func(q *Question) any { return q.Subject.Region }},
	{"subject.suspended", func(q *Question) any { return q.Subject.Suspended }},
	{"context.purpose", func(q *Question) any { return q.Context.Purpose }},
	{"context.channel", func(q *Question) any { return q.Context.Channel }},
	{"context.duration_s", func(q *Question) any { return q.Context.Duration }},
	{"properties", func(q *Question) any { return q.Properties }},
}

// everyTrait chooses all of them.
var everyTrait = func() (all []int) {
	for i := range traits {
		all = append(all, i)
	}
	return all
}()

// askerTrait is the place of the asker's id among the traits.
const askerTrait = 1

// asker is a question about rows, with its traits written out once.
type asker struct {
	Question
	traits []string
}

func askerOf(q Question) asker {
	a := asker{Question: q, traits: make([]string, len(traits))}
	for i, t := range traits {
		a.traits[i] = fmt.Sprintf("%#v", t.of(&q))
	}
	return a
}

// key tells apart what the chosen traits tell apart.
func (a asker) key(chosen []int) string {
	var b strings.Builder
	b.WriteString(string(a.Action))
	b.WriteByte(0)
	b.WriteString(a.Resource.Type)
	for _, i := range chosen {
		b.WriteByte(0)
		b.WriteString(a.traits[i])
	}
	return b.String()
}

// views remembers what a package says to whom.
type views struct {
	mu    sync.Mutex
	known map[string]*part
	heard map[model.Action]hearing
}

// hearing is what the rules about an action are, and what they look at.
type hearing struct {
	entries []string // those of the entry rules that say something about it
	all     []int    // the traits that they look at
	open    []int    // all but the asker's id; nil when that cannot be left open
}

// view says what the package says to the asker of every row. Askers whom its
// rules do not tell apart share it. So do those whom only their id tells apart:
// in what they share, the id is a field, which the caller binds.
func (u *unit) view(ctx context.Context, a asker) *part {
	h := u.hearing(a.Action)
	if h.open != nil {
		if p := u.viewBy(ctx, a, h.open, true); p.opaque == nil {
			return p
		}
	}
	return u.viewBy(ctx, a, h.all, false)
}

func (u *unit) viewBy(ctx context.Context, a asker, chosen []int, open bool) *part {
	key, unknown := a.key(chosen), rowUnknown
	if open {
		key, unknown = key+"\x00open", askerUnknown
	}
	u.views.mu.Lock()
	p, ok := u.views.known[key]
	u.views.mu.Unlock()
	if ok {
		return p
	}
	p = u.translate(ctx, a.Action, a.value(), unknown)
	if ctx.Err() != nil {
		return p
	}
	u.views.mu.Lock()
	defer u.views.mu.Unlock()
	if len(u.views.known) >= maxKeptParts || u.views.known == nil {
		u.views.known = map[string]*part{}
	}
	u.views.known[key] = p
	return p
}

// hearing looks once at the rules about the action.
func (u *unit) hearing(action model.Action) hearing {
	u.views.mu.Lock()
	defer u.views.mu.Unlock()
	h, ok := u.views.heard[action]
	if ok {
		return h
	}
	entries := u.entriesOfView(action)
	paths := u.readBy(func(r *ast.Rule) bool {
		about, name := actionsOf(r), r.Head.Ref()[0].Value.String()
		if !slices.Contains(entries, name) || (len(about) > 0 && !slices.Contains(about, action)) {
			return false
		}
		if !slices.Contains(h.entries, name) {
			h.entries = append(h.entries, name)
		}
		return true
	})
	slices.Sort(h.entries)
	if h.all = traitsIn(paths); slices.Contains(h.all, askerTrait) && !slices.Contains(paths, "") && !slices.Contains(paths, "subject") {
		h.open = slices.DeleteFunc(slices.Clone(h.all), func(i int) bool { return i == askerTrait })
	}
	if u.views.heard == nil {
		u.views.heard = map[model.Action]hearing{}
	}
	u.views.heard[action] = h
	return h
}

// traitsIn chooses the traits that the paths of the input are about.
func traitsIn(paths []string) (chosen []int) {
	for i, trait := range traits {
		if slices.ContainsFunc(paths, func(p string) bool { return within(trait.path, p) || within(p, trait.path) }) {
			chosen = append(chosen, i)
		}
	}
	return chosen
}
