package atlas

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/entra"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

//go:embed PURVIEW.md
var purviewDoc string

// purviewVersion is that of the data plane's API, which every request names.
const purviewVersion = "2023-09-01"

// PurviewConfig says which account of Purview to read, and as whom.
type PurviewConfig struct {
	URL       string `json:"url" doc:"Address of the account, such as https://acme.purview.azure.com." format:"url" host:"true"`
	Namespace string `json:"namespace,omitempty" doc:"Namespace of what has no address of its own; purview://HOST when empty."`
	entra.Config
	HTTP web.Config `json:"http,omitzero"`
}

// Purview is the harvester of Microsoft Purview.
func Purview() sdk.Plugin[PurviewConfig] {
	return sdk.Plugin[PurviewConfig]{
		Info: sdk.Info{
			Name: "purview", Version: version, Doc: purviewDoc,
			Summary: "Assets, columns, classifications, terms and lineage of Microsoft Purview's data map.",
			Emits:   []string{"asset", "edge"},
		},
		Open: openPurview, Judge: judgePurview,
	}
}

func judgePurview(c PurviewConfig) error { return errors.Join(c.Judge(), c.HTTP.Judge()) }

func openPurview(_ context.Context, c PurviewConfig, env sdk.Env) (sdk.Source, error) {
	agent := "souk-purview/" + version
	tokens, login, err := c.SignIn(env, c.HTTP, "https://purview.azure.net", agent)
	if err != nil {
		return nil, err
	}
	client, err := web.New(env, c.HTTP, web.Options{Address: c.URL, Agent: agent, Attach: tokens.Attach, Renew: tokens.Renew})
	if err != nil {
		return nil, err
	}
	s := &source{
		client: client, catalogue: &purview{client}, path: "/datamap/api/atlas/v2", version: purviewVersion, namespace: c.Namespace,
		close: func() { client.Close(); login.Close() },
	}
	if s.namespace == "" {
		host, _, _ := strings.Cut(client.Host(), ":")
		s.namespace = "purview://" + host
	}
	return s, nil
}

// purviewScope is everything: Purview has one listing.
const purviewScope = "assets"

// purview lists by its search, which finds assets and no columns.
type purview struct{ client *web.Client }

// hit is an asset that the search has found, or a term or glossary, which has a
// type of its own and none of an entity.
type hit struct {
	ID       string `json:"id"`
	Type     string `json:"entityType"`
	Glossary string `json:"glossaryType"`
}

type query struct {
	Keywords *string `json:"keywords"`
	Limit    int     `json:"limit"`
	After    string  `json:"continuationToken,omitempty"`
}

func (p *purview) list(ctx context.Context, t *types, found func(scope, guid, kind string) error) ([]string, error) {
	ask := func(after string) (web.Request, error) {
		r := web.Request{Method: http.MethodPost, Path: "/datamap/api/search/query", Query: url.Values{"api-version": {purviewVersion}}, Asks: true}
		return r.JSON(query{Limit: 1000, After: after})
	}
	first, err := ask("")
	if err != nil {
		return nil, err
	}
	read := int64(0)
	list := web.List{First: first, Items: []string{"value"}, Whole: true, Next: func(page web.Page) (web.Request, bool, error) {
		read += int64(page.Count)
		if after, _ := page.Rest["continuationToken"].(string); after != "" {
			next, err := ask(after)
			return next, true, err
		}
		return web.Request{}, false, complete(read, page.Rest)
	}}
	for h, err := range web.Items[hit](ctx, p.client, list) {
		if err != nil {
			return nil, err
		}
		if h.ID == "" || h.Glossary != "" || t.part(h.Type) {
			continue
		}
		if err := found(purviewScope, h.ID, h.Type); err != nil {
			return nil, err
		}
	}
	return []string{purviewScope}, nil
}

// complete refuses a listing that has fewer than it says, where it says so exactly.
func complete(read int64, answer map[string]any) error {
	count, _ := answer["@search.count"].(json.Number)
	approximate, _ := answer["@search.count.approximate"].(bool)
	if n, err := count.Int64(); err == nil && !approximate && read < n {
		return sdk.Unavailable("the search of Purview ends before it has shown everything", "run again; if it stays so, let the account see fewer collections, and make a source of each", nil)
	}
	return nil
}
