package catalog

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// upgradeOwners marks the stores whose owners follow from namespaces.
const upgradeOwners = model.ID(string(model.PrefixUpgrade) + "_namespaces")

// AdoptOwners makes the first list of namespaces of the ownership as it stood
// in a store of an older program, in which whoever showed an asset first owned
// it. It does so once, and gives what it made, for an administrator to look
// over; a new store has nothing to make it of. An end half way is taken up
// again, since a namespace that is there already is left as it is.
func (s *Service) AdoptOwners(ctx context.Context) ([]model.Namespace, error) {
	done, err := store.Upgrades.GetMany(ctx, s.store, upgradeOwners)
	if err != nil || len(done) > 0 {
		return nil, err
	}
	stood := map[string][]holding{}
	for a, err := range store.Assets.All(ctx, s.store, store.Query{Index: "by_namespace", Limit: store.MaxPage}) {
		if err != nil {
			return nil, err
		}
		stood[a.Namespace] = append(stood[a.Namespace], holding{a.Name, a.DomainID})
	}
	var list []model.Namespace
	for _, namespace := range slices.Sorted(maps.Keys(stood)) {
		list = append(list, adopt(namespace, "", stood[namespace])...)
	}
	var writes []store.Write
	for part := range slices.Chunk(list, chunkSize) {
		if writes, err = s.unwritten(ctx, part); err != nil {
			return nil, err
		}
		if err := s.write(ctx, "namespace.adopt", writes); err != nil {
			return nil, err
		}
	}
	err = s.write(ctx, "store.upgrade", []store.Write{store.Upgrades.Put(model.Upgrade{Meta: model.Meta{ID: upgradeOwners}, Name: "namespaces"})})
	if model.LostRace(err) {
		return nil, nil // another server was first
	}
	return list, err
}

// unwritten gives the writes of those that are not there yet.
func (s *Service) unwritten(ctx context.Context, list []model.Namespace) ([]store.Write, error) {
	ids := make([]model.ID, len(list))
	for i, n := range list {
		ids[i] = n.ID
	}
	there, err := store.Namespaces.GetMany(ctx, s.store, ids...)
	var writes []store.Write
	for _, n := range list {
		if !slices.ContainsFunc(there, func(o model.Namespace) bool { return o.ID == n.ID }) {
			writes = append(writes, store.Namespaces.Put(n))
		}
	}
	return writes, err
}

func (s *Service) write(ctx context.Context, action string, writes []store.Write) error {
	if len(writes) == 0 {
		return nil
	}
	_, err := s.store.Apply(ctx, store.Change{
		Actor: model.System().ID, Action: action, Subject: writes[0].Record.ID, Reason: "upgrade: ownership as it stood", Writes: writes,
	})
	return err
}

// holding is who owned what goes by a name.
type holding struct {
	name  string
	owner model.ID
}

// adopt gives the fewest namespaces by which everything keeps its owner and
// nothing else gets one: where a domain owns all below a prefix the prefix
// becomes its own, and otherwise the parts below it are looked at.
func adopt(namespace, prefix string, held []holding) []model.Namespace {
	owner := held[0].owner
	if !slices.ContainsFunc(held, func(h holding) bool { return h.owner != owner }) {
		if owner == "" {
			return nil
		}
		ref := Ref{namespace, prefix}
		return []model.Namespace{{Meta: model.Meta{ID: namespaceID(ref)}, Namespace: namespace, Prefix: prefix, DomainID: owner}}
	}
	below := map[string][]holding{}
	for _, h := range held {
		part := prefixBelow(namespace, prefix, h.name)
		below[part] = append(below[part], h)
	}
	var list []model.Namespace
	for _, part := range slices.Sorted(maps.Keys(below)) {
		if part == prefix {
			continue // a name that is the beginning of others, which have other owners: nobody can own it alone
		}
		list = append(list, adopt(namespace, part, below[part])...)
	}
	return list
}

// prefixBelow is the prefix with one more part of the name, in its quotes if it has them.
func prefixBelow(namespace, prefix, name string) string {
	separator := separatorOf(namespace)
	rest := strings.TrimPrefix(strings.TrimPrefix(name, prefix), separator)
	if rest == "" {
		return prefix
	}
	start := len(name) - len(rest)
	from := 0
	if strings.HasPrefix(rest, `"`) {
		from = max(0, strings.Index(rest, `"`+separator))
	}
	end := strings.Index(rest[from:], separator)
	if end < 0 {
		return name
	}
	return name[:start+from+end]
}

func separatorOf(namespace string) string {
	if p := platformOf(namespace); p.parts > 0 || p.fold != caseCounts && platformName(namespace) != "glue" {
		return "."
	}
	return "/"
}

// Describe writes a namespace and its owner as an administrator reads them.
func (s *Service) Describe(ctx context.Context, n model.Namespace) string {
	domain, err := s.gate.DomainName(ctx, n.DomainID)
	if err != nil {
		domain = model.Slug(n.DomainID)
	}
	return n.Label() + " = " + cmp.Or(string(domain), "nobody")
}
