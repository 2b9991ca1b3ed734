package pdp

import (
	"context"
	"maps"
	"reflect"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// kinds are the types of subject. AuthZEN's examples say user.
var kinds = map[string]model.PrincipalKind{"user": model.Person, "person": model.Person, "service": model.Service}

// subject finds who is meant; nil is nobody.
func (r *batch) subject(ctx context.Context, e Entity) (*model.Principal, error) {
	key := entityName{e.Type, e.ID}
	if p, ok := r.people[key]; ok {
		return p, nil
	}
	p, err := r.findSubject(ctx, e)
	if err == nil {
		r.people[key] = p
	}
	return p, err
}

func (r *batch) findSubject(ctx context.Context, e Entity) (*model.Principal, error) {
	kind, ok := kinds[e.Type]
	if !ok || e.ID == "" {
		return nil, nil //nolint:nilnil // nobody by that name is an answer
	}
	found, err := find(ctx, r.store, store.Principals, model.PrefixPrincipal, e.ID, store.Query{Index: "by_name", Where: store.Eq("name", e.ID)})
	if found != nil && found.Kind != kind {
		return nil, err
	}
	return found, err
}

// target is a resource as the policies see it, with what the server knows of it
// beside.
type target struct {
	res   policy.Resource
	knows map[string]any
	asset *model.Asset // what it is, if it is one: the products that offer it decide with it

	absent bool // there is no such thing
}

// domainName is the name of the domain that an outsider names; "" is none.
func (r *batch) domainName(ctx context.Context, domain string) (model.Slug, error) {
	id, err := r.domainID(ctx, domain)
	if err != nil {
		return "", err
	}
	return r.gate.DomainName(ctx, id)
}

// resource finds what an outsider names.
func (r *batch) resource(ctx context.Context, e Entity) (*target, error) {
	key := entityName{e.Type, e.ID}
	if t, ok := r.targets[key]; ok {
		return t, nil
	}
	of := r.nounOf(e.Type)
	t, err := of.find(ctx, r, e)
	if err == nil && t == nil {
		t = &target{absent: true}
		t.res, err = of.nothing(ctx, r, e)
	}
	if err == nil {
		r.targets[key] = t
	}
	return t, err
}

// domainID finds a domain by its id or name; "" is none. A name never leads to
// another domain later, so what was found once is remembered.
func (s *Service) domainID(ctx context.Context, domain string) (model.ID, error) {
	if id, ok := s.domains.Load(domain); ok {
		return id.(model.ID), nil
	}
	d, err := find(ctx, s.store, store.Domains, model.PrefixDomain, domain, store.Query{Index: "by_name", Where: store.Eq("name", domain)})
	if err != nil || d == nil {
		return "", err
	}
	s.domains.Store(domain, d.ID)
	return d.ID, nil
}

// maxName is longer than any name we keep.
const maxName = 2048

// find gives the one noun with the id, or the one that the query finds; nil
// when there is none, or when a name means two.
func find[T any, P model.PointerTo[T]](ctx context.Context, s store.Store, table store.Table[T, P], prefix model.Prefix, id string, q store.Query) (*T, error) {
	if id == "" || len(id) > maxName {
		return nil, nil //nolint:nilnil // nothing by that name is an answer
	}
	if prefix != "" && model.ID(id).Prefix() == prefix {
		n, err := table.Get(ctx, s, model.ID(id))
		if model.Is(err, model.KindNotFound) {
			return nil, nil //nolint:nilnil // as above
		}
		return &n, err
	}
	if q.Index == "" {
		return nil, nil //nolint:nilnil // such nouns have no names
	}
	q.Limit = 2
	var found []T
	for n, err := range table.All(ctx, s, q) {
		if err != nil {
			return nil, err
		}
		if found = append(found, n); len(found) == 2 {
			return nil, nil //nolint:nilnil // the name means two
		}
	}
	if len(found) == 0 {
		return nil, nil //nolint:nilnil // nothing by that name is an answer
	}
	return &found[0], nil
}

// actionOf is the name that policies know an action by: ours as they are, and
// those of applications with their prefix.
func actionOf(name string) model.Action {
	if policy.Known(model.Action(name)) {
		return model.Action(name)
	}
	return model.Action(model.AppActions + strings.TrimPrefix(name, model.AppActions))
}

// own names what the input tells of a subject and of a resource from the
// server's own records.
var (
	ownOfSubject  = policy.SubjectFields()
	ownOfResource = policy.ResourceFields()
)

// vouches asks, once, whether the caller's word stands above ours.
func (r *batch) vouches(ctx context.Context) (bool, error) {
	if r.trusted != nil {
		return *r.trusted, nil
	}
	caller, err := model.PrincipalFrom(ctx)
	if err != nil {
		return false, err
	}
	d, err := r.session.Standing(ctx, caller, model.ActDecisionVouch, r.gate.Platform("decision", "evaluation"))
	if err != nil {
		return false, err
	}
	allowed := d.Allowed()
	r.trusted = &allowed
	return allowed, nil
}

// properties joins what the caller says with what the server knows. Where both
// speak the server's word stands, unless the caller is trusted to know better.
func (r *batch) properties(ctx context.Context, what target, q Question) (policy.Properties, error) {
	p := policy.Properties{Subject: q.Subject.Properties, Action: q.Properties, Resource: q.Resource.Properties, Context: q.Context}
	clash := claims(p.Subject, ownOfSubject) || claims(p.Resource, ownOfResource) || contradicts(p.Resource, what.knows)
	if clash {
		trusted, err := r.vouches(ctx)
		if err != nil {
			return p, err
		}
		if trusted {
			p.Resource = joined(what.knows, p.Resource)
			return p, nil
		}
		p.Subject, p.Resource = without(p.Subject, ownOfSubject), without(p.Resource, ownOfResource)
	}
	p.Resource = joined(p.Resource, what.knows)
	return p, nil
}

// joined is both, with the stronger on top.
func joined(weaker, stronger map[string]any) map[string]any {
	if len(stronger) == 0 {
		return weaker
	}
	all := maps.Clone(weaker)
	if all == nil {
		all = make(map[string]any, len(stronger))
	}
	maps.Copy(all, stronger)
	return all
}

func claims(m map[string]any, names []string) bool {
	for _, n := range names {
		if _, ok := m[n]; ok {
			return true
		}
	}
	return false
}

func contradicts(said, known map[string]any) bool {
	for key, value := range known {
		if other, ok := said[key]; ok && !reflect.DeepEqual(other, value) {
			return true
		}
	}
	return false
}

func without(m map[string]any, names []string) map[string]any {
	if m == nil {
		return nil
	}
	rest := maps.Clone(m)
	for _, n := range names {
		delete(rest, n)
	}
	return rest
}
