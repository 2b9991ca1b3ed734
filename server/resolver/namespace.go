package resolver

import (
	"context"

	"github.com/souk-mesh/souk/graph"
	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/catalog"
)

type namespace root

func (r root) Namespace() graph.NamespaceResolver { return namespace(r) }

// Namespaces resolves the field namespaces.
func (q query) Namespaces(ctx context.Context, domainID *model.ID, first int, after *string) (*graph.NamespaceConnection, error) {
	page, err := q.s.Catalog.Namespaces(ctx, deref(domainID), paging(first, after))
	if err == nil {
		err = q.aimed(ctx, len(page.Nodes), after, aim{"domainId", deref(domainID), model.PrefixDomain})
	}
	return (*graph.NamespaceConnection)(connect[model.Namespace, graph.NamespaceEdge](ctx, page)), err
}

// AssignNamespace resolves the mutation.
func (m mutation) AssignNamespace(ctx context.Context, in graph.AssignNamespaceInput) (*graph.AssignNamespacePayload, error) {
	n, err := m.s.Catalog.AssignNamespace(ctx, catalog.NamespaceGift{
		Namespace: in.Namespace, Prefix: given(in.Prefix), DomainID: in.DomainID, Reason: given(in.Reason), ExpectedRevision: expected(in.ExpectedVersion),
	})
	made, problems, err := answer(ctx, n, err)
	return &graph.AssignNamespacePayload{Namespace: made, UserErrors: problems}, err
}

// ReleaseNamespace resolves the mutation.
func (m mutation) ReleaseNamespace(ctx context.Context, in graph.ReleaseNamespaceInput) (*graph.ReleaseNamespacePayload, error) {
	n, err := m.s.Catalog.ReleaseNamespace(ctx, in.ID, expected(in.ExpectedVersion))
	gone, problems, err := answer(ctx, n, err)
	return &graph.ReleaseNamespacePayload{Namespace: gone, UserErrors: problems}, err
}

// Domain resolves whose namespace it is.
func (namespace) Domain(ctx context.Context, n *model.Namespace) (*model.Domain, error) {
	return linkTo[model.Domain](ctx, n.DomainID)
}

func (q query) namespace(ctx context.Context, id model.ID) (*model.Namespace, error) {
	n, err := q.s.Catalog.Namespace(ctx, id)
	return orNull(ctx, n, err)
}
