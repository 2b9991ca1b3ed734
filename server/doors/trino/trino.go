// Package trino is the door for Trino's OPA plugin. It owns the mapping of
// Trino's operations to questions about data products, and the SQL of the row
// filters and column masks that come with an answer: that SQL is made here, from
// obligations of a closed list, and never out of a policy's own text. A Trino that
// is set up with all the endpoints says so in the addresses of the first two,
// ?obligations=understood; to any other, a table with a mandatory mask or filter
// is closed. The plugin sends no credentials of its own, so
// a proxy beside the coordinator adds the header Authorization.
package trino

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/doors"
	"github.com/souk-mesh/souk/server/pdp"
)

// Unknown is what becomes of a table that no product offers.
type Unknown string

// The ways with unknown tables.
const (
	Deny        Unknown = "deny"
	AllowRead   Unknown = "allow"       // reading is allowed, changing is not
	Passthrough Unknown = "passthrough" // Souk has no say; another access control should have
)

// Validate reports a word that is none of them.
func (u Unknown) Validate() error {
	switch u {
	case Deny, AllowRead, Passthrough:
		return nil
	}
	return model.Invalid("trino-unknown-tables", "must be deny, allow or passthrough", model.DidYouMean(string(u), []Unknown{Deny, AllowRead, Passthrough}))
}

const (
	root    = "/v1/data/souk/trino/"
	maxBody = 4 << 20
)

// Door answers Trino. Whoever mounts it says who is asking: the coordinator.
type Door struct {
	pdp     *pdp.Service
	unknown Unknown
	log     *slog.Logger
}

// New makes the door.
func New(p *pdp.Service, unknown Unknown, log *slog.Logger) *Door {
	return &Door{pdp: p, unknown: unknown, log: log}
}

// Routes gives the handlers by the patterns that they belong behind.
func (d *Door) Routes() map[string]http.Handler {
	return map[string]http.Handler{
		"POST " + root + "allow":            d.handle(clientOf, d.allow),
		"POST " + root + "batch":            d.handle(clientOf, d.batch),
		"POST " + root + "rowFilters":       d.handle(carrier, d.rowFilters),
		"POST " + root + "columnMask":       d.handle(carrier, d.columnMask),
		"POST " + root + "batchColumnMasks": d.handle(carrier, d.batchColumnMasks),
	}
}

// carrier is a client that asks for masks and filters: we render them, and it
// carries them out. What must be logged, we have logged. Nothing else can be
// asked of Trino.
func carrier(*http.Request) (pdp.Client, error) {
	return pdp.Client{Carries: []model.ObligationType{model.ObligeMask, model.ObligeRowFilter, model.ObligeLog}}, nil
}

// clientOf gives what the client carries out that asks for yes or no: whether
// it will also ask for masks and filters, only its operator knows.
func clientOf(r *http.Request) (pdp.Client, error) {
	switch r.URL.Query().Get("obligations") {
	case "", "none":
		return pdp.Client{Carries: []model.ObligationType{model.ObligeLog}}, nil
	case "understood":
		return carrier(r)
	}
	return pdp.Client{}, model.Invalid("obligations", "must be understood or none", "say understood where Trino is set up with all the endpoints")
}

// handle reads the question and wraps the answer as OPA does.
func (d *Door) handle(client func(*http.Request) (pdp.Client, error), answer func(context.Context, *input) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = doors.By(r, model.ChannelTrino)
		var question body
		err := doors.Read(w, r, maxBody, bodyShape, &question)
		if err == nil && (question.Input == nil || question.Input.Context.Identity.User == "" || question.Input.Action.Operation == "") {
			err = model.Invalid("input", "names no user or no operation", "send what Trino's OPA plugin sends")
		}
		var result any
		if err == nil {
			question.Input.client, err = client(r)
		}
		if err == nil {
			result, err = answer(r.Context(), question.Input)
		}
		if err != nil {
			doors.Refuse(w, r, d.log, err)
			return
		}
		doors.Write(w, http.StatusOK, map[string]any{"result": result})
	})
}

func (d *Door) allow(ctx context.Context, in *input) (any, error) {
	allowed, err := d.decide(ctx, in, []resource{in.Action.Resource})
	return err == nil && allowed[0], err
}

// batch gives the indices of what is allowed. Columns come as one table, and
// are allowed together: what a column shows is the masks' business.
func (d *Door) batch(ctx context.Context, in *input) (any, error) {
	resources := in.Action.FilterResources
	allowed, err := d.decide(ctx, in, resources)
	if err != nil {
		return nil, err
	}
	indices := []int{}
	if in.Action.Operation == "FilterColumns" {
		if len(resources) == 1 && allowed[0] {
			for i := range resources[0].Table.Columns {
				indices = append(indices, i)
			}
		}
		return indices, nil
	}
	for i, ok := range allowed {
		if ok {
			indices = append(indices, i)
		}
	}
	return indices, nil
}

// expression is SQL that Trino evaluates with the rights of the view's owner.
type expression struct {
	Expression string `json:"expression"`
}

func (d *Door) rowFilters(ctx context.Context, in *input) (any, error) {
	t := in.Action.Resource.Table
	answer, covered, err := d.read(ctx, in, t.of())
	switch {
	case err != nil:
		return nil, err
	case covered && !answer.Allowed():
		return []expression{{"false"}}, nil
	}
	filters := []expression{}
	for _, o := range answer.Obligations {
		if column, ok := answer.Column(o); ok && o.Type == model.ObligeRowFilter {
			filters = append(filters, expression{condition(column, typeOf(answer.Fields, column), o.Params["op"], o.Params["value"])})
		}
	}
	return filters, nil
}

func (d *Door) columnMask(ctx context.Context, in *input) (any, error) {
	masks, err := d.masks(ctx, in, []resource{in.Action.Resource})
	if err != nil || masks[0] == "" {
		return nil, err // null is no mask
	}
	return expression{masks[0]}, nil
}

type indexed struct {
	Index          int        `json:"index"`
	ViewExpression expression `json:"viewExpression"`
}

func (d *Door) batchColumnMasks(ctx context.Context, in *input) (any, error) {
	masks, err := d.masks(ctx, in, in.Action.FilterResources)
	if err != nil {
		return nil, err
	}
	list := []indexed{}
	for i, mask := range masks {
		if mask != "" {
			list = append(list, indexed{i, expression{mask}})
		}
	}
	return list, nil
}

// masks gives the expression for each column, "" for those that show as they
// are. It asks once for each table.
func (d *Door) masks(ctx context.Context, in *input, columns []resource) ([]string, error) {
	type known struct {
		masks  map[string]string
		closed bool
	}
	seen := map[pdp.Table]known{}
	masks := make([]string, len(columns))
	for i, r := range columns {
		c := r.Column
		at := table{Catalog: c.Catalog, Schema: c.Schema, Table: c.Table}
		k, ok := seen[at.of()]
		if !ok {
			answer, covered, err := d.read(ctx, in, at.of())
			if err != nil {
				return nil, err
			}
			k = known{masks: masksOf(answer), closed: covered && !answer.Allowed()}
			seen[at.of()] = k
		}
		if k.closed {
			masks[i] = "NULL"
		} else if kind, masked := k.masks[strings.ToLower(c.Column)]; masked {
			masks[i] = maskOf(kind, c.Column, c.Type)
		}
	}
	return masks, nil
}
