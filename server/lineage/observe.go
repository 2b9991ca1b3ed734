package lineage

import (
	"cmp"
	"context"
	"crypto/sha256"
	"iter"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// chunk is how many records one read asks for.
const chunk = 500

// Observe compares the edges that a source shows with those that are known and
// gives the writes that make up the difference: none when nothing has changed.
// An edge from an asset to itself says nothing and is left out.
func (s *Service) Observe(ctx context.Context, o Observation) (Result, error) {
	r := Result{IDs: make([]model.ID, len(o.Edges))}
	known, err := s.known(ctx, o.Edges)
	if err != nil {
		return Result{}, err
	}
	touched := map[model.ID]bool{} // and whether the edge has changed
	var order []model.ID
	for i, seen := range o.Edges {
		if seen.FromID == seen.ToID {
			continue
		}
		seen.Kind = cmp.Or(seen.Kind, model.EdgeDerives)
		id := edgeID(seen)
		e, exists := known[id]
		if !exists {
			e = &model.Edge{Meta: model.Meta{ID: id}, FromID: seen.FromID, ToID: seen.ToID, Kind: seen.Kind}
			known[id] = e
		}
		if _, before := touched[id]; !before {
			order = append(order, id)
		}
		changed := e.Cite(model.Evidence{
			SourceID: o.Source.ID, Scope: seen.Scope, Method: seen.Method, Confidence: seen.Confidence, Fields: seen.Fields,
		})
		touched[id] = touched[id] || changed
		r.IDs[i] = id
	}
	for _, id := range order {
		r.count(known[id], touched[id])
	}
	r.Revisions = make([]model.Revision, len(r.IDs))
	for i, id := range r.IDs {
		if e := known[id]; e != nil {
			if r.Revisions[i] = e.Revision; touched[id] {
				r.Revisions[i]++
			}
		}
	}
	return r, nil
}

func (r *Result) count(e *model.Edge, changed bool) {
	switch {
	case !changed:
		r.Unchanged++
		return
	case e.Revision == 0:
		r.Created++
	default:
		r.Updated++
	}
	r.Writes = append(r.Writes, store.Edges.Put(*e))
}

func (s *Service) known(ctx context.Context, seen []Seen) (map[model.ID]*model.Edge, error) {
	var ids []model.ID
	for _, e := range seen {
		e.Kind = cmp.Or(e.Kind, model.EdgeDerives)
		ids = append(ids, edgeID(e))
	}
	slices.Sort(ids)
	known := map[model.ID]*model.Edge{}
	for part := range slices.Chunk(slices.Compact(ids), chunk) {
		edges, err := store.Edges.GetMany(ctx, s.store, part...)
		if err != nil {
			return nil, err
		}
		for _, e := range edges {
			known[e.ID] = &e
		}
	}
	return known, nil
}

// edgeID makes an edge's id of its ends, so that it is found without a query
// and two writers cannot make it twice.
func edgeID(e Seen) model.ID {
	sum := sha256.Sum256([]byte(strings.Join([]string{string(e.FromID), string(e.ToID), string(e.Kind)}, "\x00")))
	return model.SumID(model.PrefixEdge, sum[:20])
}

// Withdraw takes back what the source had said in the scope about every edge
// that is not in seen, which holds the edges that this run has shown there. An
// edge without evidence is deleted.
func (s *Service) Withdraw(ctx context.Context, sourceID model.ID, scope string, seen map[model.ID]bool) (WithdrawResult, error) {
	var r WithdrawResult
	q := store.Query{Index: "by_scope", Where: store.Eq("scope", store.ScopeKey(sourceID, scope)), Limit: store.MaxPage}
	for e, err := range store.Edges.All(ctx, s.store, q) {
		if err != nil {
			return WithdrawResult{}, err
		}
		r.Known++
		if seen[e.ID] || !e.Withdraw(sourceID, scope) {
			continue
		}
		r.Withdrawn++
		r.EdgeIDs = append(r.EdgeIDs, e.ID)
		if len(e.Evidence) == 0 {
			r.Deleted++
		}
	}
	return r, nil
}

// WithdrawFrom finds every edge that touches one of the assets and of which the
// source has said something in the scope.
func (s *Service) WithdrawFrom(ctx context.Context, sourceID model.ID, scope string, assets []model.ID) ([]model.ID, error) {
	var found []model.ID
	met := map[model.ID]bool{}
	for part := range slices.Chunk(assets, store.MaxIn) {
		for _, q := range []store.Query{
			{Index: "by_from", Where: store.InIDs("from", part...), Limit: store.MaxPage},
			{Index: "by_to", Where: store.InIDs("to", part...), Limit: store.MaxPage},
		} {
			for e, err := range store.Edges.All(ctx, s.store, q) {
				if err != nil {
					return nil, err
				}
				if met[e.ID] || !e.Withdraw(sourceID, scope) {
					continue
				}
				met[e.ID] = true
				found = append(found, e.ID)
			}
		}
	}
	return found, nil
}

// TakeBack gives the writes that take back what the source has said in the scope of
// the edges, in parts of a bounded size, and reads for each what it is about.
func (s *Service) TakeBack(ctx context.Context, sourceID model.ID, scope string, edges []model.ID) iter.Seq2[[]store.Write, error] {
	return store.Edges.Parts(ctx, s.store, edges, func(e model.Edge) (store.Write, bool) {
		switch {
		case !e.Withdraw(sourceID, scope):
			return store.Write{}, false
		case len(e.Evidence) == 0:
			return store.Edges.Delete(e), true
		}
		return store.Edges.Put(e), true
	})
}
