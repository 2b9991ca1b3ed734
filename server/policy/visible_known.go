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

// The places of the asker's id and of what comes last among the traits.
const askerTrait, propertiesTrait = 1, 13

// asker is a question about rows, with its traits written out once.
type asker struct {
	Question
	traits []string
	binder *binder // nil until a view is made
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
	opaque  error    // no filter can express them, for anybody
	ways    []way    // how much to leave open, the most first
}

// way is a choice of what stays open of the asker. Askers share what the
// package says when the traits that are chosen, and looked at by the rules, are
// theirs alike; what is open is bound for each.
type way struct {
	chosen []int
	unknown
}

// view says what the package says to the asker of every row. Rules that are no
// filter while an asker is open may be one for the asker that is known.
func (u *unit) view(ctx context.Context, a asker) *part {
	var p *part
	for i, w := range u.hearing(a.Action).ways {
		if p = a.binder.part(u.viewBy(ctx, a, i, w)); p.opaque == nil {
			break
		}
	}
	return p
}

func (u *unit) viewBy(ctx context.Context, a asker, i int, w way) *part {
	key := a.key(w.chosen) + string(rune(i)) //nolint:gosec // a private character, one for each of few
	u.views.mu.Lock()
	p, ok := u.views.known[key]
	u.views.mu.Unlock()
	if ok {
		return p
	}
	if p = u.translate(ctx, a.Action, a.value(), w.unknown); u.domain != "" {
		own := Value{Text: string(u.domain)}
		p.deny, p.allow = p.deny.Bind(FieldDomain, own), p.allow.Bind(FieldDomain, own)
	}
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
	about := func(r *ast.Rule) bool {
		named, name := actionsOf(r), r.Head.Ref()[0].Value.String()
		if !slices.Contains(entries, name) || (len(named) > 0 && !slices.Contains(named, action)) {
			return false
		}
		if !slices.Contains(h.entries, name) {
			h.entries = append(h.entries, name)
		}
		return true
	}
	h.ways = waysFor(traitsIn(u.readBy(about)))
	h.opaque = u.twofold(about)
	slices.Sort(h.entries)
	if u.views.heard == nil {
		u.views.heard = map[model.Action]hearing{}
	}
	u.views.heard[action] = h
	return h
}

// waysFor leaves the whole asker open, then the id alone, then nothing.
func waysFor(traits []int) (ways []way) {
	for _, open := range []struct {
		unknown
		from, to int
	}{{askerUnknown, 0, propertiesTrait}, {idUnknown, askerTrait, askerTrait + 1}} {
		left := slices.DeleteFunc(slices.Clone(traits), func(i int) bool { return i >= open.from && i < open.to })
		if len(left) < len(traits) {
			ways = append(ways, way{left, open.unknown})
		}
	}
	return append(ways, way{traits, rowUnknown})
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
