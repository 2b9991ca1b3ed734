package atlas

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// pageSize is how many entities Atlas gives at a time unless its operator says
// otherwise.
const pageSize = 100

// atlas lists by type, which is how Atlas searches.
type atlas struct{ client *web.Client }

type header struct {
	GUID   string `json:"guid"`
	Type   string `json:"typeName"`
	Status string `json:"status"`
}

func (a *atlas) list(ctx context.Context, t *types, found func(scope, guid, kind string) error) ([]string, error) {
	var scopes []string
	for _, name := range t.listed() {
		scope := "type:" + name
		if err := a.search(ctx, name, func(e header) error { return found(scope, e.GUID, e.Type) }); err != nil {
			return nil, err
		}
		scopes = append(scopes, scope)
	}
	return scopes, nil
}

type basicSearch struct {
	Type    string `json:"typeName"`
	NoneOf  bool   `json:"excludeDeletedEntities"`
	SubType bool   `json:"includeSubTypes"`
	Limit   int    `json:"limit"`
	Offset  int    `json:"offset"`
}

// search hands on the entities of one type. Atlas leaves the list out of its
// answer where nothing follows, and says how many there should be.
func (a *atlas) search(ctx context.Context, name string, found func(header) error) error {
	ask := func(offset int) (web.Request, error) {
		return web.Request{Method: http.MethodPost, Path: "/api/atlas/v2/search/basic", Asks: true}.JSON(basicSearch{Type: name, NoneOf: true, Limit: pageSize, Offset: offset})
	}
	first, err := ask(0)
	if err != nil {
		return err
	}
	read := 0
	list := web.List{First: first, Items: []string{"entities"}, MayLack: true, Whole: true, Next: func(p web.Page) (web.Request, bool, error) {
		read += p.Count
		if p.Count == 0 { // a page may be short because something in it may not be seen
			return web.Request{}, false, whole(name, read, p.Rest)
		}
		next, err := ask(read)
		return next, true, err
	}}
	for e, err := range web.Items[header](ctx, a.client, list) {
		if err != nil {
			return err
		}
		if e.Status == "DELETED" {
			continue
		}
		if err := found(e); err != nil {
			return err
		}
	}
	return nil
}

// whole refuses a listing that ends before it should: what is left out would be
// taken for gone. The count of the index is none to rely on in the other
// direction, for it may know what has been deleted.
func whole(name string, read int, answer map[string]any) error {
	_, isAnswer := answer["queryType"]
	count, _ := answer["approximateCount"].(json.Number)
	if isAnswer && (read > 0 || count == "" || count == "0" || count == "-1") {
		return nil
	}
	return sdk.Unavailable("the search of Atlas for the type "+name+" is not answered whole", "run again; if it stays so, look whether the index of Atlas is well", nil)
}
