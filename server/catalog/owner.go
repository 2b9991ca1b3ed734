package catalog

import (
	"context"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// everyName ends a prefix that need not end where a part of a name does.
const everyName = "*"

// ownership knows to whom the names of some namespaces belong.
type ownership map[string][]model.Namespace

// load reads what has been given of the namespaces that are not known yet.
func (o ownership) load(ctx context.Context, s store.Store, namespaces ...string) error {
	for _, namespace := range namespaces {
		if _, have := o[namespace]; have || namespace == "" {
			continue
		}
		given := []model.Namespace{}
		q := store.Query{Index: "by_namespace", Where: store.Eq("namespace", namespace), Limit: store.MaxPage}
		for n, err := range store.Namespaces.All(ctx, s, q) {
			if err != nil {
				return err
			}
			if !n.Released {
				given = append(given, n)
			}
		}
		o[namespace] = given
	}
	return nil
}

// of gives the domain that the name belongs to, "" when it is nobody's: the
// longest prefix decides, and of two that differ in case the one that is
// written as the name is.
func (o ownership) of(ref Ref) model.ID {
	var best fit
	var owner model.ID
	for _, n := range o[ref.Namespace] {
		if f := fitOf(n, ref); f.fits && best.less(f) {
			best, owner = f, n.DomainID
		}
	}
	return owner
}

// fit is how well a given prefix fits a name.
type fit struct {
	fits   bool
	length int
	exact  bool
}

func (f fit) less(g fit) bool {
	switch {
	case !f.fits || f.length != g.length:
		return !f.fits || f.length < g.length
	}
	return !f.exact && g.exact
}

func fitOf(n model.Namespace, ref Ref) fit {
	prefix, open := strings.CutSuffix(n.Prefix, everyName)
	if begins(prefix, ref.Name, open) {
		return fit{true, len(prefix), true}
	}
	alike := folded(ref.Namespace, prefix)
	return fit{begins(alike, folded(ref.Namespace, ref.Name), open), len(alike), false}
}

// begins reports whether the name is the prefix or lies below it; an open
// prefix may end within a part.
func begins(prefix, name string, open bool) bool {
	rest, ok := strings.CutPrefix(name, prefix)
	return ok && (open || prefix == "" || rest == "" || strings.HasSuffix(prefix, "/") || rest[0] == '.' || rest[0] == '/')
}

// assignable brings a namespace and a prefix into the form in which names are kept,
// or says what is wrong with them.
func assignable(namespace, prefix string) (Ref, error) {
	ref, f := canonical("", Ref{namespace, "x"})
	if strings.Contains(namespace, unknownHost) { // is good for one source as it stands
		ref.Namespace = norm.NFC.String(strings.TrimSpace(namespace))
	}
	switch {
	case strings.TrimSpace(namespace) == "":
		return Ref{}, model.Invalid("namespace", "is missing", "give the OpenLineage namespace, such as postgres://db.acme.example:5432 or sqlite://shop")
	case f != flawless:
		return Ref{}, model.Invalid("namespace", "is no namespace that an asset can have", "give the OpenLineage namespace without user and password, such as postgres://db.acme.example:5432")
	}
	prefix = norm.NFC.String(strings.TrimSuffix(strings.TrimSpace(prefix), "."))
	if bare := strings.TrimSuffix(prefix, everyName); bare != "" && flawIn(bare) != flawless {
		return Ref{}, model.Invalid("prefix", "is no beginning of a name", "give whole parts, such as shop or shop.public, or any beginning with a * at its end")
	}
	if prefix == everyName {
		prefix = ""
	}
	return Ref{ref.Namespace, prefix}, nil
}

// foreign reports whether the item claims what belongs to another domain than
// its source's.
func (w *work) foreign(it *item) bool {
	owner := w.owners.of(it.ref)
	return owner != "" && owner != w.source.DomainID && it.shown != nil && it.shown.Claims()
}

// apart reports an asset of another domain, which an item that claims to hold
// or to build something never becomes by another name than the asset's own.
func (w *work) apart(it *item, e *entry) bool {
	owner := e.asset.DomainID
	return owner != "" && owner != w.source.DomainID && it.shown != nil && it.shown.Claims()
}

// NoOwner is the code of the note about assets that belong to no domain.
const NoOwner = "catalog.no_owner"

// Unowned is the note about so many assets of a namespace that belong to no domain.
func Unowned(namespace string, count int) model.RunNote {
	return model.RunNote{
		Level: "info", Code: NoOwner, Count: count, Samples: []string{namespace},
		Title: "What was found belongs to no domain yet, so only administrators see it: let one give the namespace to its domain with assignNamespace.",
	}
}

// settleOwners gives every asset that came up to the domain that owns its name,
// and notes what is claimed and what is nobody's.
func (w *work) settleOwners() {
	for _, e := range w.made {
		owner := w.owners.of(Ref{e.asset.Namespace, e.asset.Name})
		if e.asset.DomainID != owner {
			e.asset.DomainID, e.dirty = owner, true
		}
	}
	for _, it := range w.items {
		switch owner := it.entry.asset.DomainID; {
		case it.shown == nil || !it.shown.Claims():
		case owner == "":
			note := Unowned(it.ref.Namespace, 0)
			note.Samples = nil
			w.notes.add(note, it.ref.Namespace)
		case owner != w.source.DomainID:
			w.notes.add(model.RunNote{
				Level: "warn", Code: "catalog.claimed",
				Title: "What the source holds or builds belongs to another domain, and stays with it: let an administrator assign the namespace if that is wrong.",
			}, it.ref.Namespace+" "+it.ref.Name)
		}
	}
}
