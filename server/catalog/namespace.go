package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// NamespaceGift gives what goes by the names of a namespace to a domain.
type NamespaceGift struct {
	Namespace        string
	Prefix           string // whole parts of a name; with a * at the end any beginning; "" is all of the namespace
	DomainID         model.ID
	Reason           string
	ExpectedRevision *model.Revision // 0 demands that nobody has it
}

// Namespaces lists what has been given to whom, by domain and name; "" lists
// that of every domain by name.
func (s *Service) Namespaces(ctx context.Context, domainID model.ID, p model.Paging) (model.Page[model.Namespace], error) {
	q := store.Query{Index: "by_namespace"}
	if domainID != "" {
		q = store.Query{Index: "by_domain", Where: store.Eq("domain", string(domainID))}
	}
	return gate.List(ctx, s.gate, store.Namespaces, q, p, gate.Each(s.gate.Namespace))
}

// Namespace returns one namespace; one that the viewer may not see is not found.
func (s *Service) Namespace(ctx context.Context, id model.ID) (model.Namespace, error) {
	n, _, err := gate.See(ctx, s.gate, store.Namespaces, id, s.gate.Namespace)
	return n, err
}

// AssignNamespace gives a namespace to a domain, or takes it from the one that
// has it. Its assets follow: the first of them at once, and the others in the
// background, however many there are.
func (s *Service) AssignNamespace(ctx context.Context, g NamespaceGift) (model.Namespace, error) {
	ref, err := assignable(g.Namespace, g.Prefix)
	if err != nil {
		return model.Namespace{}, err
	}
	in := s.gate.Session()
	in.Needs(store.Domains.Kind(), g.DomainID)
	domain, err := store.Domains.Get(ctx, s.store, g.DomainID)
	if model.Is(err, model.KindNotFound) {
		return model.Namespace{}, model.Invalid("domainId", "there is no such domain", "name the domain that the namespace shall belong to")
	}
	if err != nil {
		return model.Namespace{}, err
	}
	n, before, err := s.had(ctx, ref)
	if err != nil {
		return model.Namespace{}, err
	}
	answer, err := in.Require(ctx, model.ActDomainAdmin, s.gate.Platform("namespace", n.Label()))
	if err != nil {
		return model.Namespace{}, err
	}
	if g.ExpectedRevision != nil && *g.ExpectedRevision != n.Revision {
		return model.Namespace{}, staleNamespace()
	}
	n.DomainID, n.Released, n.Pending, n.Settled = domain.ID, false, true, ""
	reason := fmt.Sprintf("%s to %s, before %s", n.Label(), domain.Name, before)
	if g.Reason != "" {
		reason += ": " + g.Reason
	}
	return s.moveNamespace(ctx, in.Change(ctx, "namespace.assign", n.ID, reason, answer, store.Namespaces.Put(n)))
}

// had gives the namespace as it stands, or a new one, and in words whose it is.
func (s *Service) had(ctx context.Context, ref Ref) (model.Namespace, string, error) {
	n := model.Namespace{Meta: model.Meta{ID: namespaceID(ref)}, Namespace: ref.Namespace, Prefix: ref.Name}
	found, err := store.Namespaces.GetMany(ctx, s.store, n.ID)
	if err != nil || len(found) == 0 || found[0].Released {
		if len(found) > 0 {
			n = found[0]
		}
		return n, "nobody's", err
	}
	domain, err := s.gate.DomainName(ctx, found[0].DomainID)
	return found[0], string(domain) + "'s", err
}

func namespaceID(ref Ref) model.ID {
	return derivedID(model.PrefixNamespace, ref.Namespace, ref.Name)
}

// ReleaseNamespace takes a namespace from its domain. Its assets go to whoever
// has the next longest part of their name, or to nobody.
func (s *Service) ReleaseNamespace(ctx context.Context, id model.ID, expected *model.Revision) (model.Namespace, error) {
	in := s.gate.Session()
	n, _, err := gate.See(ctx, in, store.Namespaces, id, s.gate.Namespace)
	if err != nil {
		return model.Namespace{}, err
	}
	answer, err := in.Require(ctx, model.ActDomainAdmin, s.gate.Platform("namespace", n.Label()))
	if err != nil {
		return model.Namespace{}, err
	}
	if expected != nil && *expected != n.Revision {
		return model.Namespace{}, staleNamespace()
	}
	n.Released, n.Pending, n.Settled = true, true, ""
	return s.moveNamespace(ctx, in.Change(ctx, "namespace.release", n.ID, n.Label(), answer, store.Namespaces.Put(n)))
}

func staleNamespace() error {
	return model.Stale("expectedVersion", "the namespace has changed since it was read", "read it again and repeat the change")
}

// moveNamespace writes the change and moves the first of the assets along.
func (s *Service) moveNamespace(ctx context.Context, c store.Change) (model.Namespace, error) {
	n, err := store.Namespaces.Apply(ctx, s.store, c)
	if model.LostRace(err) {
		err = staleNamespace()
	}
	if err != nil {
		return n, err
	}
	for range stepsAtOnce {
		next, err := s.settleStep(ctx, n)
		if err != nil || !next.Pending {
			return next, nil //nolint:nilerr // what is left, or broke, is taken up in the background
		}
		n = next
	}
	return n, nil
}

// GiveFound gives to the source's domain what the source holds or builds and
// nobody was given: the databases of a server, or the namespace where there
// are none. It is for an administrator who sets the source up for the domain
// and thereby says whose it is; what somebody has stays where it is.
func (s *Service) GiveFound(ctx context.Context, source model.Source) ([]model.Namespace, error) {
	var wanted []Ref
	for _, scope := range source.Scopes {
		q := store.Query{Index: "by_scope", Where: store.Eq("scope", store.ScopeKey(source.ID, scope)), Limit: store.MaxPage}
		for a, err := range store.Assets.All(ctx, s.store, q) {
			if err != nil {
				return nil, err
			}
			claims := slices.ContainsFunc(a.Sightings, func(o model.Sighting) bool { return o.SourceID == source.ID && o.Claims() })
			if ref := (Ref{a.Namespace, database(a)}); claims && a.DomainID == "" && !slices.Contains(wanted, ref) {
				wanted = append(wanted, ref)
			}
		}
	}
	var given []model.Namespace
	none := model.Revision(0)
	for _, ref := range wanted {
		n, err := s.AssignNamespace(ctx, NamespaceGift{Namespace: ref.Namespace, Prefix: ref.Name, DomainID: source.DomainID, Reason: "source " + string(source.Name), ExpectedRevision: &none})
		if model.LostRace(err) {
			continue
		}
		if err != nil {
			return given, err
		}
		given = append(given, n)
	}
	return given, nil
}

// database is the first part of a name that has one, in its quotes if it has them.
func database(a model.Asset) string {
	if platformOf(a.Namespace).parts < 3 || missing(Ref{a.Namespace, a.Name}) > 0 {
		return ""
	}
	if rest, quoted := strings.CutPrefix(a.Name, `"`); quoted {
		inner, _, _ := strings.Cut(rest, `".`)
		return `"` + inner + `"`
	}
	first, _, _ := strings.Cut(a.Name, ".")
	return first
}
