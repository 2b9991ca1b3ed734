package resolver

import (
	"cmp"
	"maps"
	"slices"

	"github.com/99designs/gqlgen/graphql"

	"github.com/souk-mesh/souk/graph"
	"github.com/souk-mesh/souk/graph/model"
)

// given is the value of an input that may be left out; null is as good as that.
func given[T any](o graphql.Omittable[*T]) T { return deref(o.Value()) }

func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// edit tells "leave it alone", which is nil, from "clear it", which null asks for.
func edit[T any](o graphql.Omittable[*T]) *T {
	p, set := o.ValueOK()
	if set && p == nil {
		return new(T)
	}
	return p
}

func editList[T any](o graphql.Omittable[[]T]) *[]T {
	items, set := o.ValueOK()
	if !set {
		return nil
	}
	return &items
}

func expected(o graphql.Omittable[*int]) *model.Revision {
	n := o.Value()
	if n == nil {
		return nil
	}
	r := model.Revision(*n)
	return &r
}

func ports(inputs []*graph.PortInput) []model.Port {
	made := make([]model.Port, len(inputs))
	for i, in := range inputs {
		made[i] = model.Port{Name: in.Name, Direction: in.Direction, Description: given(in.Description), AssetIDs: in.AssetIds.Value()}
	}
	return made
}

func editPorts(o graphql.Omittable[[]*graph.PortInput]) *[]model.Port {
	inputs, set := o.ValueOK()
	if !set {
		return nil
	}
	made := ports(inputs)
	return &made
}

// secrets makes a table of the references; a field that is named twice is an
// error of kind Invalid.
func secrets(inputs []*graph.SecretInput) (map[string]model.SecretRef, error) {
	made := make(map[string]model.SecretRef, len(inputs))
	for _, in := range inputs {
		if _, twice := made[in.Field]; twice {
			return nil, model.Invalid("secrets", "name the field "+in.Field+" twice", "give one reference for each field")
		}
		made[in.Field] = in.Reference
	}
	return made, nil
}

// properties lists a table by name.
func properties(table map[string]string) []*graph.Property {
	made := make([]*graph.Property, 0, len(table))
	for name, value := range maps.All(table) {
		made = append(made, &graph.Property{Name: name, Value: value})
	}
	slices.SortFunc(made, func(a, b *graph.Property) int { return cmp.Compare(a.Name, b.Name) })
	return made
}

func pointers[T any](items []T) []*T {
	made := make([]*T, len(items))
	for i := range items {
		made[i] = &items[i]
	}
	return made
}
