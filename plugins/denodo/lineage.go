package denodo

import (
	"context"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// deepest is how many private steps may lie in one another.
const deepest = 100

// lineage emits what the views of a database are made of.
func (h *harvest) lineage(ctx context.Context, l *listing) error {
	if h.Lineage == "leave" {
		return nil
	}
	for _, v := range l.sorted {
		var err error
		switch {
		case len(v.fields) == 0 || v.kind == "materialized":
		case v.secret:
			err = h.noteUnknown(v, "a view or data source below it is not for this user")
		case v.kind == "base":
			err = h.baseView(ctx, l, v)
		default:
			err = h.derivedView(ctx, l, v)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (h *harvest) noteUnknown(v *view, why string) error {
	return h.out.Note(sdk.Note{
		Level: sdk.ErrorLevel, Code: "denodo.lineage_unknown", Scope: scope(v.database), Asset: v.id(h), Sample: v.id(h).Name + ": " + why,
		Title: "The lineage of a view cannot be read: grant METADATA on what it is built on, or mend the view. What is known of its lineage stays.",
	})
}

// below are the views that a view is built on, through the private steps of the server.
func (l *listing) below(of name, depth int) []name {
	var found []name
	for _, n := range l.needs[of] {
		switch {
		case n.source != "":
		case l.hidden[n.name] && depth < deepest:
			found = append(found, l.below(n.name, depth+1)...)
		default:
			found = append(found, n.name)
		}
	}
	return found
}

// derivedView emits the edges to a view from those that it is built on.
func (h *harvest) derivedView(ctx context.Context, l *listing, v *view) error {
	flows := map[name][]sdk.FieldEdge{}
	if h.Lineage != "views" {
		f, err := h.flows(ctx, l, v)
		if e, ours := told(err); ours {
			return h.noteUnknown(v, e.Message)
		}
		if err != nil {
			return err
		}
		if f.secret {
			return h.noteUnknown(v, "a view or data source below it is not for this user")
		}
		flows = f.found
	}
	from := l.below(v.name, 0)
	for n := range flows {
		from = append(from, n)
	}
	slices.SortFunc(from, compare)
	for _, n := range slices.Compact(from) {
		if n == v.name {
			continue
		}
		edge := &sdk.Edge{From: n.id(h), To: v.id(h), Scope: scope(v.database), Kind: "DERIVES", Method: "denodo.view_dependencies", Confidence: 1, Fields: flows[n]}
		if err := h.out.Emit(edge); err != nil {
			return err
		}
	}
	return nil
}

func compare(a, b name) int {
	return slices.Compare([]string{a.database, a.element}, []string{b.database, b.element})
}

// origin is a column that another is made of.
type origin struct {
	name
	columns string // one, or several with a comma between
	how     string
}

// tracing follows the columns of one view.
type tracing struct {
	*listing
	made   map[name]map[string][]origin // of each view of the answer, by column
	hidden map[name]bool
	secret bool
	found  map[name][]sdk.FieldEdge
}

// flows asks which columns the columns of a view are made of. The answer speaks
// of the view and of the private steps below it, which are read through.
func (h *harvest) flows(ctx context.Context, l *listing, v *view) (*tracing, error) {
	t := &tracing{listing: l, made: map[name]map[string][]origin{}, hidden: map[name]bool{}, found: map[name][]sdk.FieldEdge{}}
	vql := "SELECT * FROM COLUMN_DEPENDENCIES() WHERE input_view_database_name = " + literal(v.database) + " AND input_view_name = " + literal(v.element) + " AND depth = 1"
	if err := h.each(ctx, vql, t.take); err != nil {
		return nil, err
	}
	for _, f := range v.fields {
		t.trace(v.name, f.Name, f.Name, "", 0)
	}
	return t, nil
}

func (t *tracing) take(r row) {
	of := name{r.text("view_database_name"), r.text("view_name")}
	from := origin{name: name{r.text("dependency_database_name"), r.text("dependency_name")}, columns: r.text("dependency_column_name"), how: r.text("expression")}
	kind := strings.ToLower(r.text("dependency_type"))
	switch {
	case r.yes("private_view"):
		t.hidden[of] = true
	case kind == "no privileges":
		t.secret = true
	}
	if strings.HasSuffix(kind, "datasource") || from.element == "" {
		return
	}
	if t.made[of] == nil {
		t.made[of] = map[string][]origin{}
	}
	column := r.text("column_name")
	if !slices.Contains(t.made[of][column], from) {
		t.made[of][column] = append(t.made[of][column], from)
	}
}

// trace follows one column of a view, or of a private step below it, to the
// columns that it is made of.
func (t *tracing) trace(of name, column, to, how string, depth int) {
	for _, from := range t.made[of][column] {
		told := how
		if told == "" {
			told = from.how
		}
		for _, one := range t.split(from) {
			if t.hidden[from.name] && depth < deepest {
				t.trace(from.name, one, to, told, depth+1)
				continue
			}
			edge := sdk.FieldEdge{From: one, To: to, Transform: told}
			if !slices.Contains(t.found[from.name], edge) {
				t.found[from.name] = append(t.found[from.name], edge)
			}
		}
	}
}

// split gives the columns of an origin. A name with a comma in it is one where
// the view has a column of that name; what is all of a row is none.
func (t *tracing) split(from origin) []string {
	if v := t.views[from.name]; v != nil && slices.ContainsFunc(v.fields, func(f sdk.Field) bool { return f.Name == from.columns }) {
		return []string{from.columns}
	}
	var columns []string
	for one := range strings.SplitSeq(from.columns, ",") {
		if one = strings.TrimSpace(one); one != "" && one != "*" {
			columns = append(columns, one)
		}
	}
	return columns
}
