package superset

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// pageSize is the most that Superset gives at once.
const pageSize = 100

// listing is a kind of thing: what of it is asked for, and in which order, since
// that of Superset itself is by the last change, which moves while it is read.
type listing struct {
	resource string
	order    string
	columns  []string // those that a version does not have, it leaves out
}

// The listings.
var (
	databaseList  = listing{"database", "database_name", []string{"id", "uuid", "database_name", "backend"}}
	datasetList   = listing{"dataset", "table_name", []string{"id", "uuid", "table_name", "changed_on_utc"}}
	chartList     = listing{"chart", "slice_name", strings.Split("id,uuid,slice_name,description,viz_type,datasource_id,datasource_type,url,certified_by,certification_details,changed_on_utc,params,"+people+",tags.name,tags.type,dashboards.id", ",")}
	dashboardList = listing{"dashboard", "dashboard_title", strings.Split("id,uuid,dashboard_title,description,slug,url,status,certified_by,certification_details,changed_on_utc,"+people+",tags.name,tags.type", ",")}
)

// people are the columns that tell owners: the last ones are those of newer versions.
const people = "owners.id,owners.first_name,owners.last_name,owners.email,editors.id,editors.label"

func (l listing) page(number, size int) web.Request {
	q := fmt.Sprintf("(columns:!(%s),order_column:%s,order_direction:asc,page:%d,page_size:%d)", strings.Join(l.columns, ","), l.order, number, size)
	return web.Request{Path: "/api/v1/" + l.resource + "/", Query: url.Values{"q": {q}}}
}

// numbered is a thing of a listing.
type numbered interface{ number() int64 }

// each reads a listing to its end, each thing once. Things may come and go while
// it is read, and push others from one page to the next: where fewer came than there
// are, it is read once more, and then told not to be whole.
func each[T numbered](ctx context.Context, h *harvest, l listing, do func(T) error) (whole bool, err error) {
	seen := map[int64]bool{}
	for range 2 {
		total := 0
		for item, err := range web.Items[T](ctx, h.client, l.list(&total)) {
			if err != nil {
				return false, err
			}
			if seen[item.number()] {
				continue
			}
			seen[item.number()] = true
			if err := do(item); err != nil {
				return false, err
			}
		}
		if len(seen) >= total {
			return true, nil
		}
	}
	return false, nil
}

// list pages by number until as many came as there are; total is how many there are.
func (l listing) list(total *int) web.List {
	page, came := 0, 0
	return web.List{First: l.page(0, pageSize), Items: []string{"result"}, Whole: true, Next: func(p web.Page) (web.Request, bool, error) {
		count, _ := web.At(p.Rest, "count").(json.Number)
		n, err := strconv.Atoi(count.String())
		if err != nil {
			return web.Request{}, false, &sdk.Error{Class: sdk.ClassUnavailable, Code: "superset.no_count", Message: "the list of " + l.resource + "s does not say how many there are", Fix: "look whether the address is that of Superset, and what stands before it"}
		}
		page, came, *total = page+1, came+p.Count, n
		return l.page(page, pageSize), p.Count > 0 && came < n, nil
	}}
}
