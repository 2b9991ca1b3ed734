package gate

import (
	"context"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// maxID is longer than any id we mint.
const maxID = 64

// See loads one noun that the viewer may know of, with its description. A
// hidden one is not found, in the same words as an absent one, and after the
// same reads and decisions.
func See[T any, P model.PointerTo[T]](ctx context.Context, by Asker, table store.Table[T, P], id model.ID, describe One[T]) (T, policy.Resource, error) {
	return SeeFor(ctx, by, model.ActMetadataView, table, id, describe)
}

// SeeFor is See for a noun that another action than looking at metadata opens.
func SeeFor[T any, P model.PointerTo[T]](ctx context.Context, by Asker, action model.Action, table store.Table[T, P], id model.ID, describe One[T]) (T, policy.Resource, error) {
	var zero T
	absent := model.NotFound(table.Schema().Noun, id)
	if len(id) > maxID || !utf8.ValidString(string(id)) {
		return zero, policy.Resource{}, absent
	}
	in := by.session()
	n, err := table.Get(ctx, in.gate.store, id)
	exists := !model.Is(err, model.KindNotFound)
	if err != nil && exists {
		return zero, policy.Resource{}, err
	}
	if !exists {
		n = zero
		P(&n).Head().ID = id
	}
	res, err := describe(ctx, n)
	if err != nil && exists {
		return zero, res, err
	}
	visible, err := in.Filter(ctx, action, []policy.Resource{res})
	if err == nil && (!exists || !visible[0]) {
		if err = in.noteHidden(ctx, action, res, exists); err == nil {
			err = absent
		}
	}
	if err != nil {
		return zero, policy.Resource{}, err
	}
	in.Needs(table.Kind(), id)
	return n, res, nil
}

// SeeFirst is See for the first noun that the query finds, such as by a name.
// What is hidden and what does not exist take the same reads and decisions.
func SeeFirst[T any, P model.PointerTo[T]](ctx context.Context, by Asker, table store.Table[T, P], q store.Query, describe One[T]) (T, error) {
	in := by.session()
	n, err := table.First(ctx, in.gate.store, q)
	if err != nil && !model.Is(err, model.KindNotFound) {
		return n, err
	}
	id := P(&n).Head().ID
	if err != nil || id == "" {
		id = nowhere
	}
	n, _, err = See(ctx, in, table, id, describe)
	return n, err
}

// nowhere is the id of nothing.
const nowhere model.ID = "none_0"

// SeeLoaded is SeeFor for a noun that is loaded already.
func SeeLoaded[T any, P model.PointerTo[T]](ctx context.Context, by Asker, action model.Action, name string, n T, describe One[T]) (T, error) {
	var zero T
	res, err := describe(ctx, n)
	if err != nil {
		return zero, err
	}
	in := by.session()
	visible, err := in.Filter(ctx, action, []policy.Resource{res})
	switch {
	case err != nil:
		return zero, err
	case visible[0]:
		return n, nil
	}
	if err := in.noteHidden(ctx, action, res, true); err != nil {
		return zero, err
	}
	return zero, model.NotFound(name, P(&n).Head().ID)
}

// SeeMany loads the nouns among the ids that exist and that the viewer may
// know of, in the order of the ids. It asks once for all of them.
func SeeMany[T any, P model.PointerTo[T]](ctx context.Context, by Asker, table store.Table[T, P], describe Describe[T], ids ...model.ID) ([]T, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	in := by.session()
	found, err := table.GetMany(ctx, in.gate.store, ids...)
	if err != nil {
		return nil, err
	}
	resources, err := describe(ctx, found)
	if err != nil {
		return nil, err
	}
	visible, err := in.Filter(ctx, model.ActMetadataView, resources)
	if err != nil {
		return nil, err
	}
	seen := found[:0]
	for i, n := range found {
		if visible[i] {
			seen = append(seen, n)
		}
	}
	return seen, nil
}

// Refer loads the nouns that an input refers to. An id that comes twice, or
// that names nothing that the viewer may know of, is an error of kind Invalid
// that names the field.
func Refer[T any, P model.PointerTo[T]](ctx context.Context, by Asker, table store.Table[T, P], field string, describe Describe[T], ids ...model.ID) ([]T, error) {
	for i, id := range ids {
		if slices.Contains(ids[:i], id) {
			return nil, model.Invalid(field, fmt.Sprintf("names %q twice", clip(id)), "name each once")
		}
	}
	in := by.session()
	seen, err := SeeMany(ctx, in, table, describe, ids...)
	if err != nil {
		return nil, err
	}
	in.Needs(table.Kind(), ids...)
	for _, id := range ids {
		if !slices.ContainsFunc(seen, func(n T) bool { return P(&n).Head().ID == id }) {
			return nil, model.Invalid(field, fmt.Sprintf("there is no %s %q", table.Schema().Noun, clip(id)), "look the id up first")
		}
	}
	return seen, nil
}

func clip(id model.ID) model.ID {
	if len(id) > maxID {
		return id[:maxID] + "..."
	}
	return id
}

// One tells the policies about one noun.
type One[T any] func(context.Context, T) (policy.Resource, error)
