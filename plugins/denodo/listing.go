package denodo

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// name is that of an element in a database, as the server writes it.
type name struct{ database, element string }

// database is a virtual one.
type database struct{ name, description string }

// listing is what one database holds.
type listing struct {
	of     string // the database
	views  map[name]*view
	sorted []*view
	needs  map[name][]need // of each view, private ones too
	hidden map[name]bool   // views that the server made itself, as steps of others

	folders map[string]folder // by path, in small letters: capitals do not count
}

// folder is one of a database; its name keeps the capitals that its path loses.
type folder struct{ name, description string }

// view is a view of any type.
type view struct {
	name
	kind        string // base, derived, interface or materialized
	source      string // the kind of data source below a base view, such as jdbc
	description string
	folder      string
	owner       string
	changed     string
	cache       string
	status      string
	tags        []string
	fields      []sdk.Field
	places      []int // of the fields, where the server tells them
	keys        []sdk.ForeignKey
	vql         string
	secret      bool // a part of its lineage is not for this user
}

// need is what a view is built on.
type need struct {
	name
	source string // the kind of data source, such as jdbc; "" for a view
}

// rights are the privileges of the user.
type rights struct {
	all  bool
	over map[string]bool // databases whose elements are all shown
}

func (r rights) cover(database string) bool { return r.all || r.over[database] }

// literal is a text in VQL.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// quote is a name in VQL.
func quote(text string) string { return `"` + strings.ReplaceAll(text, `"`, `""`) + `"` }

// each hands on every row of an answer.
func (c *conversation) each(ctx context.Context, vql string, take func(row)) error {
	for r, err := range c.rows(ctx, vql) {
		if err != nil {
			return err
		}
		take(r)
	}
	return nil
}

// databases lists those to harvest.
func (c *conversation) databases(ctx context.Context) ([]database, error) {
	var all []database
	known := true
	err := c.each(ctx, "SELECT * FROM GET_DATABASES()", func(r row) {
		known = known && r.has("db_name")
		all = append(all, database{r.text("db_name"), r.text("description")})
	})
	if e, ours := told(err); ours && e.Class == sdk.ClassInternal { // a version without the procedure
		all, known = nil, true
		err = c.each(ctx, "LIST DATABASES", func(r row) {
			if len(r.values) > 0 {
				all = append(all, database{name: r.values[0]})
			}
		})
	}
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, &sdk.Error{Class: sdk.ClassInternal, Code: "denodo.version", Message: "the server lists its databases in a form that is not known", Fix: "look whether the version of Denodo is one that the plugin knows"}
	}
	all = slices.DeleteFunc(all, func(d database) bool {
		return len(c.Include) > 0 && !slices.Contains(c.Include, d.name) || slices.Contains(c.Exclude, d.name)
	})
	slices.SortFunc(all, func(a, b database) int { return cmp.Compare(a.name, b.name) })
	return all, nil
}

// absent are the databases to include that are not there.
func (s *source) absent(there []database) []string {
	return slices.DeleteFunc(slices.Clone(s.Include), func(name string) bool {
		return slices.ContainsFunc(there, func(d database) bool { return d.name == name })
	})
}

// rights asks for the user's own privileges: the server shows of a database
// what the user has METADATA on, and leaves out the rest without a word.
func (c *conversation) rights(ctx context.Context) (rights, error) {
	found := rights{all: c.Rights == "trust", over: map[string]bool{}}
	if found.all {
		return found, nil
	}
	vql := "SELECT globaladmin, dbname, elementname, dbadmin, dbmetadata, dbexecute FROM GET_CATALOG_EFFECTIVE_PERMISSIONS() WHERE input_user_name = " + literal(c.driver.User)
	err := c.each(ctx, vql, func(r row) {
		found.all = found.all || r.yes("globaladmin")
		if r.text("elementname") == "" && (r.yes("dbadmin") || r.yes("dbmetadata") || r.yes("dbexecute")) {
			found.over[r.text("dbname")] = true
		}
	})
	return found, err
}

// procedures are the server's own ones, by name: older versions have fewer.
func (c *conversation) procedures(ctx context.Context) (map[string]bool, error) {
	found := map[string]bool{}
	err := c.each(ctx, "LIST PROCEDURES", func(r row) {
		if len(r.values) > 0 {
			found[strings.ToUpper(r.values[0])] = true
		}
	})
	return found, err
}

// list reads all of one database but what is asked for view by view.
func (c *conversation) list(ctx context.Context, d database, procedures map[string]bool) (*listing, error) {
	l := &listing{of: d.name, views: map[name]*view{}, needs: map[name][]need{}, hidden: map[name]bool{}, folders: map[string]folder{}}
	in := " WHERE input_database_name = " + literal(d.name)
	questions := []struct {
		vql  string
		take func(row)
		skip bool
	}{
		{vql: "SELECT * FROM GET_VIEWS()" + in, take: l.takeView},
		{vql: "SELECT * FROM GET_ELEMENTS()" + in + " AND input_type = 'views'", take: l.takeElement},
		{vql: "SELECT * FROM GET_ELEMENTS()" + in + " AND input_type = 'folders'", take: l.takeFolder},
		{vql: "SELECT * FROM GET_VIEW_COLUMNS()" + in, take: l.takeColumn},
		{vql: "SELECT database_name, view_name, column_name, tag_name FROM GET_VIEW_TAGS()" + in, take: l.takeTag, skip: !procedures["GET_VIEW_TAGS"]},
		{vql: "SELECT * FROM GET_ASSOCIATIONS()" + in + " AND input_type = 'views'", take: l.takeAssociation},
	}
	for _, q := range questions {
		if q.skip {
			continue
		}
		if err := c.each(ctx, q.vql, q.take); err != nil {
			return nil, err
		}
	}
	if c.Lineage != "leave" {
		if err := c.dependencies(ctx, l); err != nil {
			return nil, err
		}
	}
	l.sort()
	return l, nil
}

// dependencies asks what views are built on: of all at once, or, where the
// server wants to be told which, of one after another.
func (c *conversation) dependencies(ctx context.Context, l *listing) error {
	vql := "SELECT * FROM VIEW_DEPENDENCIES() WHERE input_view_database_name = " + literal(l.of)
	err := c.each(ctx, vql+" AND depth = 1", l.takeNeed)
	if e, ours := told(err); !ours || e.Class != sdk.ClassInternal {
		return err
	}
	for _, v := range l.views {
		err := c.each(ctx, vql+" AND input_view_name = "+literal(v.element)+" AND depth = 1", l.takeNeed)
		if _, ours := told(err); ours {
			v.secret, err = true, nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// kinds are the types of views, by the number that GET_VIEWS gives.
var kinds = map[string]string{"0": "base", "1": "derived", "2": "interface", "3": "materialized"}

// caches are the modes of the cache, likewise.
var caches = map[string]string{"1": "partial exact", "2": "partial", "3": "full", "4": "partial exact preload", "5": "partial preload"}

func (l *listing) takeView(r row) {
	v := &view{
		name: name{r.text("database_name"), r.text("name")}, kind: cmp.Or(kinds[r.text("view_type")], r.text("view_type")), description: r.text("description"),
		folder: strings.ToLower(strings.Trim(r.text("folder"), "/")), owner: r.text("user_creator"), changed: r.text("last_modification_date"), cache: caches[r.text("cache_status")], status: r.text("view_status"),
	}
	if v.database == l.of && v.element != "" {
		l.views[v.name] = v
	}
}

func (l *listing) takeElement(r row) {
	if v := l.views[name{r.text("database_name"), r.text("name")}]; v != nil {
		v.kind, v.source = cmp.Or(r.text("subtype"), v.kind), r.text("base_view_type")
	}
}

func (l *listing) takeFolder(r row) {
	within, base := strings.Trim(r.text("folder"), "/"), strings.Trim(r.text("name"), "/")
	if base != "" {
		l.folders[strings.ToLower(strings.Trim(within+"/"+base, "/"))] = folder{base, r.text("description")}
	}
}

func (l *listing) takeColumn(r row) {
	v := l.views[name{r.text("database_name"), r.text("view_name")}]
	if v == nil { // it was made after the views were listed
		return
	}
	f := sdk.Field{Name: r.text("column_name"), NativeType: typeOf(r), Nullable: r.yes("column_is_nullable"), Description: r.text("column_remarks")}
	if r.yes("column_is_primary_key") {
		f.PrimaryKey = 1 // which one it is of several is told with the others
	}
	place, _ := strconv.Atoi(r.text("ordinal_position"))
	v.fields, v.places = append(v.fields, f), append(v.places, place)
}

// typeOf is a type of Virtual DataPort, with the size of a text and the digits
// of a number where they are known.
func typeOf(r row) string {
	kind := r.text("column_vdp_type")
	size, _ := strconv.Atoi(r.text("column_size"))
	digits, _ := strconv.Atoi(r.text("column_decimals"))
	switch {
	case kind == "text" && size > 0 && size < 1<<30:
		return "text(" + strconv.Itoa(size) + ")"
	case kind == "decimal" && size > 0:
		return "decimal(" + strconv.Itoa(size) + "," + strconv.Itoa(digits) + ")"
	}
	return kind
}

func (l *listing) takeTag(r row) {
	v := l.views[name{r.text("database_name"), r.text("view_name")}]
	if v == nil {
		return
	}
	column, tag := r.text("column_name"), r.text("tag_name")
	if column == "" {
		v.tags = append(v.tags, tag)
		return
	}
	for i := range v.fields {
		if v.fields[i].Name == column {
			v.fields[i].Tags = append(v.fields[i].Tags, tag)
		}
	}
}

// takeAssociation keeps those that are declared to hold: the dependent view
// refers to the principal one.
func (l *listing) takeAssociation(r row) {
	if !r.yes("is_referential_constraint") || r.has("valid") && !r.yes("valid") {
		return
	}
	left, right := name{r.text("left_view_database"), r.text("left_view_name")}, name{r.text("right_view_database"), r.text("right_view_name")}
	pairs, ok := mappings(r.text("mappings"), left.element, right.element)
	if !ok {
		return
	}
	from, to, of := left, right, 0
	if r.yes("is_left_principal") {
		from, to, of = right, left, 1
	}
	v := l.views[from]
	key := sdk.ForeignKey{Name: r.text("association_name"), ToName: sdk.JoinName(to.database, to.element)}
	for _, p := range pairs {
		key.Fields, key.ToFields = append(key.Fields, p[of]), append(key.ToFields, p[1-of])
	}
	if v != nil && !slices.ContainsFunc(v.keys, func(k sdk.ForeignKey) bool { return k.Name == key.Name }) {
		v.keys = append(v.keys, key)
	}
}

// mappings reads LEFT.COLUMN=RIGHT.COLUMN, with a comma between several. It
// reports false where a name has a sign in it that makes it unclear.
func mappings(text, left, right string) ([][2]string, bool) {
	var pairs [][2]string
	for part := range strings.SplitSeq(text, ",") {
		from, to, both := strings.Cut(strings.TrimSpace(part), "=")
		from, isLeft := strings.CutPrefix(strings.TrimSpace(from), left+".")
		to, isRight := strings.CutPrefix(strings.TrimSpace(to), right+".")
		if !both || !isLeft || !isRight || strings.Contains(to, "=") {
			return nil, false
		}
		pairs = append(pairs, [2]string{from, to})
	}
	return pairs, true
}

func (l *listing) takeNeed(r row) {
	of := name{r.text("view_database_name"), r.text("view_name")}
	if r.yes("private_view") {
		l.hidden[of] = true
	}
	kind := strings.ToLower(r.text("dependency_type"))
	n := need{name: name{r.text("dependency_database_name"), r.text("dependency_name")}}
	switch {
	case kind == "no privileges" || n.element == "":
		if v := l.views[of]; v != nil {
			v.secret = true
		}
		return
	case strings.Contains(kind, "procedure"):
		return
	case strings.HasSuffix(kind, "datasource"):
		n.source = strings.TrimSpace(strings.TrimSuffix(kind, "datasource"))
	}
	if !slices.Contains(l.needs[of], n) {
		l.needs[of] = append(l.needs[of], n)
	}
}

// sort puts everything into an order that does not depend on the server.
func (l *listing) sort() {
	for _, v := range l.views {
		l.sorted = append(l.sorted, v)
		v.order()
		slices.Sort(v.tags)
		slices.SortFunc(v.keys, func(a, b sdk.ForeignKey) int { return cmp.Compare(a.Name, b.Name) })
	}
	slices.SortFunc(l.sorted, func(a, b *view) int { return cmp.Compare(a.element, b.element) })
}

// order puts the fields into the order of the view: that of the places that the
// server tells, and otherwise that in which they came.
func (v *view) order() {
	place := map[string]int{}
	for i, f := range v.fields {
		place[f.Name] = v.places[i]
	}
	slices.SortStableFunc(v.fields, func(a, b sdk.Field) int { return cmp.Compare(place[a.Name], place[b.Name]) })
	keys := 0
	for i := range v.fields {
		f := &v.fields[i]
		f.Position = i + 1
		if slices.Sort(f.Tags); f.PrimaryKey > 0 {
			keys++
			f.PrimaryKey = keys
		}
	}
}
