package denodo

import (
	"cmp"
	"context"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/dataset"
	"github.com/souk-mesh/souk/sdk"
)

// place is where a data source leads, as far as it is known.
type place struct {
	system dataset.System
	why    string // it is not known; "" where it is
	lost   bool   // it may be known another time
}

// baseView emits the edge from the table that a base view of a JDBC data source
// shows, where it is known where the data source leads.
func (h *harvest) baseView(ctx context.Context, l *listing, v *view) error {
	of, told := dataSource(l, v)
	if v.source != "jdbc" && of.source != "jdbc" {
		return nil
	}
	p, err := h.leadsTo(ctx, v, of.name, told)
	switch {
	case err != nil:
		return err
	case p.lost:
		return h.noteUnknown(v, p.why)
	case p.why != "":
		return nil
	}
	return h.fromTable(ctx, v, p.system)
}

// fromTable emits the edge from the table of a base view.
func (h *harvest) fromTable(ctx context.Context, v *view, system dataset.System) error {
	var table [3]string
	var fields []sdk.FieldEdge
	err := h.each(ctx, "SELECT * FROM GET_SOURCE_COLUMNS() WHERE input_database_name = "+literal(v.database)+" AND input_view_name = "+literal(v.element), func(r row) {
		table = [3]string{r.text("source_catalog_name"), r.text("source_schema_name"), r.text("source_table_name")}
		column := cmp.Or(r.text("column_name"), r.text("columns_name")) // the guide and the server differ
		if from := r.text("source_column_name"); from != "" && column != "" {
			fields = append(fields, sdk.FieldEdge{From: from, To: column})
		}
	})
	if e, ours := told(err); ours {
		return h.noteUnknown(v, e.Message)
	}
	if err != nil {
		return err
	}
	if id, named := system.Table(table[0], table[1], table[2]); named {
		return h.out.Emit(&sdk.Edge{From: id, To: v.id(h), Scope: scope(v.database), Kind: "DERIVES", Method: "denodo.source_columns", Confidence: 1, Fields: fields})
	}
	return h.out.Note(sdk.Note{
		Level: sdk.InfoLevel, Code: "denodo.no_table", Sample: v.id(h).Name,
		Title: "A base view shows an SQL statement or a procedure of its source, or a table whose database is not told: what it reads is not known.",
	})
}

// dataSource is that of a base view, where the server tells it: to users who are
// no administrators it does not.
func dataSource(l *listing, v *view) (need, bool) {
	for _, n := range l.needs[v.name] {
		if n.source != "" {
			return n, true
		}
	}
	return need{}, false
}

// leadsTo is the place of a data source: the configured one, or that of the
// address that the server tells. It is asked once for a data source.
func (h *harvest) leadsTo(ctx context.Context, v *view, of name, told bool) (place, error) {
	if s, configured := h.systems[of.database+"."+of.element]; configured && told {
		return place{system: s}, nil
	}
	if s, configured := h.systems[v.database]; configured {
		return place{system: s}, nil
	}
	if !told {
		of = name{database: v.database}
	}
	if p, asked := h.leads[of]; asked {
		return p, nil
	}
	p, err := h.askFor(ctx, of, told)
	if err != nil {
		return p, err
	}
	if h.leads[of] = p; p.why == "" {
		return p, nil
	}
	return p, h.out.Note(sdk.Note{
		Level: sdk.WarnLevel, Code: "denodo.source_unknown", Sample: strings.Trim(of.database+"."+of.element, ".") + ": " + p.why,
		Title: "It is not known where a JDBC data source leads, and so not which tables its base views show: name its place in dataSources.",
	})
}

// askFor reads the address of a data source.
func (h *harvest) askFor(ctx context.Context, of name, known bool) (place, error) {
	switch {
	case h.Addresses == "leave":
		return place{why: "its address is not read"}, nil
	case !known:
		return place{why: "the user is not told the data sources of base views", lost: true}, nil
	}
	address := ""
	err := h.each(ctx, "DESC VQL DATASOURCE JDBC "+quote(of.database)+"."+quote(of.element)+" ('includeDependencies' = 'no', 'dropElements' = 'no')", func(r row) {
		if len(r.values) > 0 && address == "" {
			address = addressIn(r.values[0])
		}
	})
	if e, ours := told(err); ours {
		return place{why: e.Message, lost: true}, nil
	}
	if err != nil {
		return place{}, err
	}
	s, found := dataset.FromJDBC(address)
	if !found {
		return place{why: "its address is not in a form that is known"}, nil
	}
	return place{system: s}, nil
}

// addressIn finds the address in the VQL of a data source, and keeps nothing
// else of it: an enciphered password stands beside it.
func addressIn(vql string) string {
	_, rest, _ := strings.Cut(vql, "DATABASEURI")
	_, rest, _ = strings.Cut(rest, "=")
	rest, quoted := strings.CutPrefix(strings.TrimSpace(rest), "'")
	if !quoted {
		return ""
	}
	address, _, _ := strings.Cut(rest, "'")
	return address
}
