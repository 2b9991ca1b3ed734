package mongo

import (
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/souk-mesh/souk/server/store"
)

// narrow writes the part of a plan that the server may judge, so that rows
// which nobody wants do not travel. Every row that comes is judged again.
func narrow(f store.Filter) bson.D {
	if f.Op == "" || !sayable(f) {
		return bson.D{}
	}
	return bson.D{{Key: "$and", Value: bson.A{narrowed(f)}}}
}

func narrowed(f store.Filter) bson.D {
	switch f.Op {
	case store.OpAnd:
		return group("$and", f.Filters, bson.D{})
	case store.OpOr:
		return group("$or", f.Filters, nothing)
	case store.OpNot:
		return bson.D{{Key: "$nor", Value: bson.A{narrowed(f.Filters[0])}}}
	case store.OpEq:
		return compare(f.Path, "$eq", f.Value)
	case store.OpIn:
		return compare(f.Path, "$in", append([]store.Value{}, f.Values...))
	case store.OpExists:
		return compare(f.Path, "$ne", nil)
	case store.OpRange, store.OpPrefix:
	}
	return bson.D{}
}

// sayable reports whether the server compares as the planner does: of ranges
// it knows another order.
func sayable(f store.Filter) bool {
	unsayable := func(g store.Filter) bool { return !sayable(g) }
	return f.Op != store.OpRange && f.Op != store.OpPrefix && !slices.ContainsFunc(f.Filters, unsayable)
}

// nothing matches no row: every row has an id.
var nothing = bson.D{{Key: "_id", Value: nil}}

func group(op string, filters []store.Filter, none bson.D) bson.D {
	if len(filters) == 0 {
		return none
	}
	parts := make(bson.A, len(filters))
	for i, f := range filters {
		parts[i] = narrowed(f)
	}
	return bson.D{{Key: op, Value: parts}}
}

func compare(p store.Path, op string, v any) bson.D {
	name := "k." + string(p)
	if p == store.PathID {
		name = "_id"
	}
	return bson.D{{Key: name, Value: bson.D{{Key: op, Value: v}}}}
}
