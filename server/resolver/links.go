package resolver

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
)

// links holds the look-ups of one operation.
type links struct {
	nouns  *catalogue
	byNoun []lookup // at the places of the catalogue's rows; nil for what others do not link to
	parts  []lookup // what belongs to records and is no record itself: those below

	aliases loader[[]model.Alias]
	rules   loader[[]model.QualityRule]
	inputs  loader[json.RawMessage] // of the decisions asked
	asked   asked
	leftOut leftOut

	requestVotes loader[[]model.WantedVote] // of access requests
	changeVotes  loader[[]model.WantedVote] // of proposed changes
	pending      loader[*model.ProposedChange]
	alsoOffered  loader[[]model.DataProduct]
	rights       loader[map[model.Action]model.Outcome] // over products
	standardLinks
}

// lookup is a loader, whatever it finds.
type lookup interface {
	want(id model.ID)
	forget()
}

func newLinks(c *catalogue, s Services) *links {
	l := &links{nouns: c, byNoun: make([]lookup, len(c.rows))}
	for i, n := range c.rows {
		if n.lookup != nil {
			l.byNoun[i] = n.lookup(l)
		}
	}
	prepare(l, &l.aliases, s.Catalog.AliasesByAsset, nil)
	prepare(l, &l.rules, s.Catalog.QualityRulesByAsset, func(rules []model.QualityRule) {
		for _, r := range rules {
			l.expect(r.SourceID)
		}
	})
	prepare(l, &l.inputs, func(ctx context.Context, ids ...model.ID) (map[model.ID]json.RawMessage, error) {
		return s.Audit.Inputs(ctx, l.asked.of(ids)...)
	}, nil)
	prepare(l, &l.rights, func(ctx context.Context, ids ...model.ID) (map[model.ID]map[model.Action]model.Outcome, error) {
		return s.Mesh.CanEach(ctx, ids, productRights...)
	}, nil)
	l.prepareVotes(s)
	l.prepareStandards(s, l)
	return l
}

func (l *links) prepareVotes(s Services) {
	noteVoters := func(wanted []model.WantedVote) {
		for _, w := range wanted {
			l.expect(w.VoterIDs...)
		}
	}
	prepare(l, &l.requestVotes, s.Access.Wanted, noteVoters)
	prepare(l, &l.changeVotes, s.Mesh.WantedVotes, noteVoters)
	prepare(l, &l.pending, s.Mesh.PendingOn, func(c *model.ProposedChange) { l.note(c) })
	prepare(l, &l.alsoOffered, s.Mesh.AlsoOffered, func(products []model.DataProduct) {
		for _, p := range products {
			l.expect(p.DomainID)
		}
	})
}

// prepare makes a look-up of a part of records, by the records' ids.
func prepare[V any](l *links, into *loader[V], fetch func(context.Context, ...model.ID) (map[model.ID]V, error), note func(V)) {
	into.fetch, into.note = fetch, note
	l.parts = append(l.parts, into)
}

// newLookup makes a look-up of the service call that finds nouns.
func newLookup[T any, P model.PointerTo[T]](byID func(context.Context, ...model.ID) ([]T, error), note func(*T)) *loader[*T] {
	return &loader[*T]{note: note, fetch: func(ctx context.Context, ids ...model.ID) (map[model.ID]*T, error) {
		rows, err := byID(ctx, ids...)
		if err != nil {
			return nil, err
		}
		found := make(map[model.ID]*T, len(rows))
		for i := range rows {
			p := &rows[i]
			found[P(p).Head().ID] = p
		}
		return found, nil
	}}
}

// lookupOf gives the look-up of a noun that is linkable.
func lookupOf[T any, P model.PointerTo[T]](l *links) *loader[*T] {
	if l.nouns == nil {
		return &loader[*T]{}
	}
	return l.byNoun[l.nouns.byType[reflect.TypeFor[*T]()]].(*loader[*T])
}

type linksKey struct{}

func withLinks(ctx context.Context, l *links) context.Context {
	return context.WithValue(ctx, linksKey{}, l)
}

// linksFrom gives the operation's look-ups. Outside of an operation that
// Schema has begun there are none, and whatever is noted goes nowhere.
func linksFrom(ctx context.Context) *links {
	if l, ok := ctx.Value(linksKey{}).(*links); ok {
		return l
	}
	return &links{}
}

// linkTo gives what a record links to, or null.
func linkTo[T any, P model.PointerTo[T]](ctx context.Context, id model.ID) (*T, error) {
	return follow(ctx, lookupOf[T, P](linksFrom(ctx)), id)
}

// linkToAll gives what a record links to, without what the viewer may not know of.
func linkToAll[T any, P model.PointerTo[T]](ctx context.Context, ids []model.ID) ([]*T, error) {
	l := lookupOf[T, P](linksFrom(ctx))
	l.expect(ids...)
	found := make([]*T, 0, len(ids))
	for _, id := range ids {
		p, ok, err := l.one(ctx, id)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, p)
		}
	}
	return found, nil
}

// follow gives what is looked up by the id, or null.
func follow[V any](ctx context.Context, l *loader[*V], id model.ID) (*V, error) {
	v, _, err := l.one(ctx, id)
	return v, err
}

// find gives the record of an id, or null for what is no Node.
func (l *links) find(ctx context.Context, id model.ID) (model.Noun, error) {
	if l.nouns == nil {
		return nil, nil //nolint:nilnil // nothing is found outside of an operation
	}
	n := l.nouns.of(id)
	if n == nil || n.find == nil {
		return nil, nil //nolint:nilnil // an id of nothing that can be fetched by it
	}
	return n.find(ctx, l, id)
}

// expect sorts the ids to the look-ups of their nouns.
func (l *links) expect(ids ...model.ID) {
	for _, id := range ids {
		if l.nouns == nil || id == "" {
			continue
		}
		if i, ok := l.nouns.byPrefix[id.Prefix()]; ok && l.byNoun[i] != nil {
			l.byNoun[i].want(id)
		}
	}
}

// note takes down what a record that the viewer sees links to, and the record
// itself for others that link to it.
func (l *links) note(record any) {
	if l.nouns == nil {
		return
	}
	i, ok := l.nouns.byType[reflect.TypeOf(record)]
	if !ok {
		return
	}
	if n := l.nouns.rows[i]; n.keep != nil {
		n.keep(l, record)
	}
	l.nouns.rows[i].note(l, record)
}

// forget drops everything looked up so far.
func (l *links) forget() {
	for _, of := range slices.Concat(l.byNoun, l.parts) {
		if of != nil {
			of.forget()
		}
	}
	l.forgetTrends()
}
