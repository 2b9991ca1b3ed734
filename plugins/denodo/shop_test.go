package denodo_test

import "strings"

const odd = `a.b "c" 🐪`

func columns(text string) []string { return strings.Fields(text) }

// newShop is a server with a small shop: base views over PostgreSQL, MySQL and a
// file, a join of three, which takes a private step, an interface, and a view
// over another database.
func newShop() *fake {
	f := &fake{
		procedures: map[string]*procedure{
			"GET_DATABASES": {inputs: columns("input_db_name"), columns: columns("db_name description charset")},
			"GET_CATALOG_EFFECTIVE_PERMISSIONS": {
				inputs: columns("input_user_name input_database_name"), obligatory: columns("input_user_name"),
				columns: columns("username globaladmin dbname elementname elementype dbadmin dbconnect dbexecute dbmetadata"),
			},
			"GET_VIEWS": {
				inputs:  columns("input_database_name input_name input_view_type"),
				columns: columns("database_name name type user_creator last_user_modifier create_date last_modification_date description view_type swap_active cache_status folder view_status"),
			},
			"GET_ELEMENTS": {
				inputs:  columns("input_database_name input_name input_type"),
				columns: columns("database_name name type subtype folder description base_view_type"),
			},
			"GET_VIEW_COLUMNS": {
				inputs:  columns("input_database_name input_view_name"),
				columns: columns("database_name view_name column_name column_vdp_type column_sql_type column_size column_decimals column_is_primary_key column_is_nullable column_remarks ordinal_position"),
			},
			"GET_VIEW_TAGS": {
				inputs:  columns("input_database_name input_view_name input_column_name input_tag_names"),
				columns: columns("database_name view_name column_name tag_name"),
			},
			"GET_ASSOCIATIONS": {
				inputs: columns("input_database_name input_name input_type"), obligatory: columns("input_type"),
				columns: columns("database_name name association_name left_view_name left_view_database right_view_name right_view_database mappings valid is_left_principal is_referential_constraint"),
			},
			"VIEW_DEPENDENCIES": {
				inputs:  columns("input_view_database_name input_view_name include_tags"),
				columns: columns("view_database_name view_name view_type private_view dependency_database_name dependency_name dependency_type depth"),
			},
			"COLUMN_DEPENDENCIES": {
				inputs: columns("input_column_name"), obligatory: columns("input_view_database_name input_view_name"),
				columns: columns("input_view_database_name input_view_name view_database_name view_name column_name private_view dependency_database_name dependency_name dependency_column_name dependency_type expression depth"),
			},
			"GET_SOURCE_COLUMNS": {
				inputs: columns("input_database_name input_view_name"), obligatory: columns("input_database_name input_view_name"),
				columns: columns("database_name view_name column_name source_catalog_name source_schema_name source_table_name source_column_name sqlsentence"),
			},
		},
		lists: map[string][]string{"LIST PROCEDURES": {"get_view_tags", "get_views"}, "LIST DATABASES": {"admin", "crm", "shop"}},
		vql:   map[string]string{}, fails: map[string]string{},
	}
	for _, d := range []string{"admin", "crm", "shop"} {
		f.procedures["GET_DATABASES"].add(d, map[string]string{"shop": "What is sold."}[d], "UNICODE")
		f.procedures["GET_CATALOG_EFFECTIVE_PERMISSIONS"].add(user, "t", d, "-", "Database", "f", "t", "f", "t")
	}
	f.views()
	f.dependencies()
	return f
}

// view adds a view with its columns: NAME:TYPE, with ! for a key.
func (f *fake) view(database, name, subtype, source, folder, fields string) {
	kind := map[string]string{"base": "0", "derived": "1", "interface": "2", "materialized": "3"}[subtype]
	f.procedures["GET_VIEWS"].add(database, name, "view", "ana", "ben", "2026-01-02 03:04:05.0", "2026-10-06 07:08:09.123", map[string]string{"orders_joined": "Orders with their customers."}[name], kind, "0", map[bool]string{true: "3", false: "0"}[name == "orders_joined"], folder, "OK")
	f.procedures["GET_ELEMENTS"].add(database, name, "view", subtype, folder, "", source)
	for i, field := range strings.Fields(fields) {
		column, kind, _ := strings.Cut(field, ":")
		column, key := strings.CutSuffix(column, "!")
		size := map[string]string{"text": "80", "decimal": "10"}[kind]
		f.procedures["GET_VIEW_COLUMNS"].add(database, name, column, kind, "VARCHAR", size, "2", map[bool]string{true: "true", false: "false"}[key], map[bool]string{true: "f", false: "t"}[key], map[string]string{"cents": "In cents."}[column], string(rune('1'+i)))
	}
	if subtype == "derived" || subtype == "interface" {
		f.vql["VIEW "+database+"."+name] = "# REQUIRES-PROPERTIES-FILE - # Do not remove this comment!\n# Generated with Denodo Platform 9.5.1.\n\nCREATE OR REPLACE VIEW " + name + " AS SELECT ...;\n"
	}
}

func (f *fake) views() {
	f.view("shop", "bv_orders", "base", "jdbc", "/1 - connectivity/base", "id!:long cents:decimal note:text customer:long")
	f.view("shop", "bv_customers", "base", "jdbc", "/1 - connectivity/base", "id!:long first_name:text last_name:text")
	f.view("shop", "bv_file", "base", "df", "/1 - connectivity", "id:text")
	f.view("shop", "bv_sql", "base", "jdbc", "/1 - connectivity", "n:int")
	f.view("shop", "orders_joined", "derived", "-", "/", "id!:long total:decimal label:text n:int")
	f.view("shop", "i_orders", "interface", "-", "/3 - business", "id:long")
	f.view("shop", "big", "derived", "-", "/", "id:long account:text")
	f.view("shop", odd, "derived", "-", "/", "it's:int 🐪,x:text")
	f.view("shop", "kept", "materialized", "-", "/", "id:int")
	for _, folder := range []string{"/|1 - Connectivity|What comes from elsewhere.", "/1 - connectivity|Base|-", "/|Empty|Nothing yet."} {
		part := strings.Split(folder, "|")
		f.procedures["GET_ELEMENTS"].add("shop", part[1], "folder", "", part[0], part[2], "-")
	}
	f.view("crm", "accounts", "base", "json", "/", "id:text")
	tags := f.procedures["GET_VIEW_TAGS"]
	tags.add("shop", "bv_customers", "-", "gold")
	tags.add("shop", "bv_customers", "-", "crm")
	tags.add("shop", "bv_customers", "last_name", "pii")
	keys := f.procedures["GET_ASSOCIATIONS"]
	for _, of := range []string{"bv_orders", "bv_customers"} { // each end tells of it
		keys.add("shop", of, "a_customer", "bv_orders", "shop", "bv_customers", "shop", "bv_orders.customer=bv_customers.id", "true", "f", "t")
		keys.add("shop", of, "a_reverse", "bv_customers", "shop", "bv_orders", "shop", "bv_customers.id=bv_orders.customer,bv_customers.last_name=bv_orders.note", "true", "t", "t")
		keys.add("shop", of, "a_loose", "bv_orders", "shop", "bv_customers", "shop", "bv_orders.id=bv_customers.id", "true", "f", "f")
		keys.add("shop", of, "a_broken", "bv_orders", "shop", "bv_customers", "shop", "bv_orders.gone=bv_customers.id", "false", "f", "t")
	}
}

const step = "_orders_joined__123_j__1"

func (f *fake) dependencies() {
	needs := f.procedures["VIEW_DEPENDENCIES"]
	need := func(of, private, db, on, kind, depth string) {
		needs.add("shop", of, "Select", private, db, on, kind, depth)
	}
	need("bv_orders", "f", "shop", "ds_pg", "Jdbc Datasource", "1")
	need("bv_sql", "f", "shop", "ds_pg", "Jdbc Datasource", "1")
	need("bv_customers", "f", "shop", "ds_my", "Jdbc Datasource", "1")
	need("bv_file", "f", "shop", "ds_file", "Df Datasource", "1")
	for range 2 { // once for each path
		need("orders_joined", "f", "shop", step, "Inner Any Any Join", "1")
		need("orders_joined", "f", "shop", "bv_file", "Base View", "1")
	}
	need("orders_joined", "f", "shop", "bv_orders", "Base View", "2")
	need(step, "t", "shop", "bv_orders", "Base View", "1")
	need(step, "t", "shop", "bv_customers", "Base View", "1")
	need("i_orders", "f", "shop", "orders_joined", "Inner Any Any Join", "1")
	need("big", "f", "shop", "orders_joined", "Inner Any Any Join", "1")
	need("big", "f", "crm", "accounts", "Base View", "1")
	need("big", "f", "shop", "p_rates", "Storedprocedure", "1")
	need(odd, "f", "shop", odd, "Select", "1")
	need(odd, "f", "shop", "bv_file", "Base View", "1")

	flows := f.procedures["COLUMN_DEPENDENCIES"]
	flow := func(input, of, column, private, db, on, from, kind, how, depth string) {
		flows.add("shop", input, "shop", of, column, private, db, on, from, kind, how, depth)
	}
	flow("orders_joined", "orders_joined", "id", "f", "shop", step, "id", "Inner Any Any Join", "-", "1")
	flow("orders_joined", "orders_joined", "id", "f", "shop", "bv_orders", "id", "Base View", "-", "2")
	flow("orders_joined", "orders_joined", "total", "f", "shop", step, "cents", "Inner Any Any Join", "round(cents / 100, 2)", "1")
	flow("orders_joined", "orders_joined", "label", "f", "shop", step, "first_name,last_name", "Inner Any Any Join", "concat(first_name, last_name)", "1")
	flow("orders_joined", "orders_joined", "n", "f", "shop", "bv_file", "*", "Base View", "count(*)", "1")
	for _, c := range []string{"id", "cents"} {
		flow("orders_joined", step, c, "t", "shop", "bv_orders", c, "Base View", "-", "1")
	}
	for _, c := range []string{"first_name", "last_name"} {
		flow("orders_joined", step, c, "t", "shop", "bv_customers", c, "Base View", "-", "1")
	}
	flow("orders_joined", "bv_orders", "id", "f", "shop", "ds_pg", "-", "Jdbc Datasource", "-", "1")
	flow("i_orders", "i_orders", "id", "f", "shop", "orders_joined", "id", "Inner Any Any Join", "-", "1")
	flow("big", "big", "id", "f", "shop", "orders_joined", "id", "Inner Any Any Join", "-", "1")
	flow("big", "big", "account", "f", "crm", "accounts", "id,name", "Base View", "id || name", "1")

	sources := f.procedures["GET_SOURCE_COLUMNS"]
	for _, c := range []string{"id", "cents", "note", "customer"} {
		sources.add("shop", "bv_orders", c, "-", "public", "orders", c, "-")
	}
	for _, c := range []string{"id", "first_name", "last_name"} {
		sources.add("shop", "bv_customers", c, "crm", "-", "customers", c, "-")
	}
	sources.add("shop", "bv_sql", "n", "-", "-", "-", "n", "select count(*) as n from orders")
	for ds, address := range map[string]string{"ds_pg": "jdbc:postgresql://DB.example:5432/shop?ssl=true", "ds_my": "jdbc:mysql://crm.example/crm"} {
		f.vql["DATASOURCE JDBC shop."+ds] = "CREATE OR REPLACE DATASOURCE JDBC " + ds + "\n    DRIVERCLASSNAME = 'x'\n    DATABASEURI = '" + address + "'\n    USERNAME = 'souk'\n    USERPASSWORD = 'canary-enciphered' ENCRYPTED;\n"
	}
}
