// Package partial turns rules into conditions over rows. It owns the partial
// evaluation of a package, the translation of what that leaves over, and the
// memory of what a package says to which kind of asker.
//
// It refuses whatever it cannot translate exactly, and says where: such rows
// are asked about one by one. OPA evaluates in part (topdown), but its own
// translation (v1/rego/compile) is not used: it takes no rules of their own
// (else, functions), no every, no negation of more than one comparison and no
// list of the row, of which Souk's visibility rules consist; it knows neither
// the budget nor the meter; and it does not notice a rule that might have two
// values at once, which a decision refuses and a filter must not show.
package partial

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/filter"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
	"github.com/souk-mesh/souk/server/policy/internal/usage"
)

// maxKeptParts is how many kinds of askers one package remembers conditions for.
const maxKeptParts = 2048

// trait is what rules can read of an asker and of the circumstances that does
// not differ from row to row.
type trait struct {
	path string
	of   func(*question.Question) any
}

// traits are the fields of the asker, and the properties last.
var traits = func() (all []trait) {
	for _, f := range question.Table {
		if f.Scope == question.OfAsker {
			all = append(all, trait{f.Path, f.Any})
		}
	}
	return append(all, trait{"properties", func(q *question.Question) any { return q.Properties }})
}()

// everyTrait chooses all of them.
var everyTrait = func() (all []int) {
	for i := range traits {
		all = append(all, i)
	}
	return all
}()

// The places of the asker's id and of what comes last among the traits.
var (
	askerTrait      = slices.IndexFunc(traits, func(t trait) bool { return t.path == "subject.id" })
	propertiesTrait = len(traits) - 1
)

// Asker is a question about rows, with its traits written out once.
type Asker struct {
	question.Question
	traits []string
	binder *binder // nil until a view is made
}

// AskerOf takes from a question who asks, and in which circumstances.
func AskerOf(q question.Question) Asker {
	a := Asker{Question: q, traits: make([]string, len(traits))}
	for i, t := range traits {
		a.traits[i] = fmt.Sprintf("%#v", t.of(&q))
	}
	return a
}

// Bound is ready to be put into conditions.
func (a Asker) Bound() Asker {
	a.binder = newBinder(&a.Question)
	return a
}

// WholeKey tells apart what any trait tells apart.
func (a Asker) WholeKey() string { return a.key(everyTrait) }

// key tells apart what the chosen traits tell apart.
func (a Asker) key(chosen []int) string {
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

// Rules is a package whose rules can be made conditions over rows. It
// remembers what the package says to whom.
type Rules struct {
	*sandbox.Unit

	evaluating sync.Mutex    // held while rules are evaluated in part
	compiled   *ast.Compiler // for that alone; nil until then

	mu    sync.Mutex // over what follows
	known map[string]*View
	about map[model.Action]entryInfo
}

// NewRules takes a package over. It refuses a rule that promises to be a
// filter and is none.
func NewRules(ctx context.Context, u *sandbox.Unit) (*Rules, error) {
	v := &Rules{Unit: u}
	return v, v.checkVisible(ctx)
}

// entryInfo is what the rules about an action are, and what they look at.
type entryInfo struct {
	entries      []string   // those of the entry rules that say something about it
	opaque       error      // no filter can express them, for anybody
	alternatives []openness // how much to leave open, the most first
}

// openness is a choice of what stays open of the asker. Askers share what the
// package says when the traits that are chosen, and looked at by the rules, are
// theirs alike; what is open is bound for each.
type openness struct {
	chosen []int
	unknown
}

// View says what the package says to the asker of every row. Rules that are no
// filter while an asker is open may be one for the asker that is known.
func (u *Rules) View(ctx context.Context, a Asker) *View {
	var p *View
	for i, w := range u.entryInfo(a.Action).alternatives {
		if p = a.binder.view(u.viewBy(ctx, a, i, w)); p.opaque == nil {
			break
		}
	}
	return p
}

func (u *Rules) viewBy(ctx context.Context, a Asker, i int, w openness) *View {
	key := a.key(w.chosen) + string(rune(i)) //nolint:gosec // a private character, one for each of few
	u.mu.Lock()
	p, ok := u.known[key]
	u.mu.Unlock()
	if ok {
		return p
	}
	if p = u.translate(ctx, a.Action, a.Value(), w.unknown); u.Domain != "" {
		own := filter.Value{Text: string(u.Domain)}
		p = p.each(func(c filter.Condition) filter.Condition { return c.Bind(filter.FieldDomain, own) })
	}
	if ctx.Err() != nil {
		return p
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.known) >= maxKeptParts || u.known == nil {
		u.known = map[string]*View{}
	}
	u.known[key] = p
	return p
}

// entryInfo looks once at the rules about the action.
func (u *Rules) entryInfo(action model.Action) entryInfo {
	u.mu.Lock()
	defer u.mu.Unlock()
	h, ok := u.about[action]
	if ok {
		return h
	}
	entries := u.entriesOfView(action)
	about := func(r *ast.Rule) bool {
		named, name := sandbox.ActionsOf(r), r.Head.Ref()[0].Value.String()
		if !slices.Contains(entries, name) || (len(named) > 0 && !slices.Contains(named, action)) {
			return false
		}
		if !slices.Contains(h.entries, name) {
			h.entries = append(h.entries, name)
		}
		return true
	}
	h.alternatives, h.opaque = opennessFor(traitsIn(usage.ReadBy(u.Unit, about))), u.ambiguous(about)
	slices.Sort(h.entries)
	if u.about == nil {
		u.about = map[model.Action]entryInfo{}
	}
	u.about[action] = h
	return h
}

// opennessFor leaves the whole asker open, then the id alone, then nothing.
func opennessFor(looked []int) (alternatives []openness) {
	for _, open := range []struct {
		unknown
		from, to int
	}{{askerUnknown, 0, propertiesTrait}, {idUnknown, askerTrait, askerTrait + 1}} {
		left := slices.DeleteFunc(slices.Clone(looked), func(i int) bool { return i >= open.from && i < open.to })
		if len(left) < len(looked) {
			alternatives = append(alternatives, openness{left, open.unknown})
		}
	}
	return append(alternatives, openness{looked, rowUnknown})
}

// traitsIn chooses the traits that the paths of the input are about.
func traitsIn(paths []string) (chosen []int) {
	for i, one := range traits {
		if slices.ContainsFunc(paths, func(p string) bool { return question.Within(one.path, p) || question.Within(p, one.path) }) {
			chosen = append(chosen, i)
		}
	}
	return chosen
}
