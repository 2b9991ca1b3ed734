package dremio

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// patience is how many views of a source or a space are asked for lineage where
// none is told. Dremio Community tells none at all, and no edition tells that of a
// catalog with versions.
const patience = 5

// lineage gives what a view is made of.
func (h *harvest) lineage(ctx context.Context, t *tree, id string, a *sdk.Asset) ([]child, error) {
	if !h.Details || a.Kind != "VIEW" || strings.HasPrefix(id, textID) || len(t.untold) >= patience {
		return nil, nil
	}
	var graph struct {
		Parents []child `json:"parents"`
	}
	err := h.client.Into(ctx, web.Request{Path: h.path + "/" + url.PathEscape(id) + "/graph"}, &graph)
	switch status := web.Status(err); {
	case status == http.StatusForbidden:
		return nil, h.kept(a.ID, t)
	case t.told && refused(status):
		return nil, h.kept(a.ID, t)
	case refused(status):
		t.untold = append(t.untold, a.ID)
		return nil, nil
	case err != nil:
		return nil, err
	}
	t.told = true
	for _, before := range t.untold {
		if err := h.kept(before, t); err != nil {
			return nil, err
		}
	}
	t.untold = nil
	slices.SortFunc(graph.Parents, func(a, b child) int { return slices.Compare(a.Path, b.Path) })
	graph.Parents = slices.CompactFunc(graph.Parents, func(a, b child) bool { return slices.Equal(a.Path, b.Path) })
	return slices.DeleteFunc(graph.Parents, func(p child) bool { return len(p.Path) == 0 || h.id(p.Path) == a.ID }), nil
}

// refused reports whether an answer may mean that there is no lineage to tell.
func refused(status int) bool {
	return slices.Contains([]int{http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented}, status)
}

// kept notes a view whose lineage is not told, while that of others is: what is
// known of it stays.
func (h *harvest) kept(id sdk.NativeID, t *tree) error {
	return h.out.Note(sdk.Note{Level: sdk.ErrorLevel, Code: "dremio.lineage", Title: "The lineage of a view is not told.", Sample: id.Name, Scope: t.scope, Asset: id})
}

// withoutLineage notes, once, that a source or a space is told no lineage at all.
func (h *harvest) withoutLineage(t *tree) error {
	if len(t.untold) == 0 || h.noted {
		return nil
	}
	h.noted = true
	return h.out.Note(sdk.Note{Level: sdk.WarnLevel, Code: "dremio.no_lineage", Title: "Dremio tells no lineage: this edition, or a catalog with versions.", Sample: t.scope})
}
