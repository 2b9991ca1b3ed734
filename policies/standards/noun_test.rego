# METADATA
# title: The nouns of the tests
# description: A product that meets every standard, and ways to spoil it.
package souk.standards_test

import rego.v2

table := {
	"id": "ast_orders", "name": "shop.public.orders", "kind": "TABLE", "status": "ACTIVE", "platform": "postgres",
	"domain": "sales", "description": "One row an order.", "owners": [], "tags": [], "field_count": 4,
	"fields_described": 4, "harvest_age_h": 2, "quality": {"rules": 3, "failing": 0, "age_h": 2},
}

output := {"name": "rows", "direction": "OUTPUT", "description": "Every order, as it stands.", "assets": [table]}

orders := {
	"id": "dpr_orders", "name": "orders", "domain": "sales", "display_name": "Orders",
	"description": "All orders of the shop since 2019, one row each, hourly.",
	"business_context": "For planning and billing; not for judging people.",
	"owner": "ana@sales", "owner_suspended": false, "owner_team": "sales/shop", "classification": "INTERNAL",
	"visibility": "COMPANY", "status": "DRAFT", "tags": ["orders"], "ports": [output],
}

product(changes) := {"v": 1, "type": "data_product", "product": object.union(orders, changes)}

port(changes) := product({"ports": [object.union(output, changes)]})

asset(changes) := port({"assets": [object.union(table, changes)]})

sales := {
	"id": "dom_sales", "name": "sales", "display_name": "Sales", "description": "Sells things.", "parent": "",
	"stewards": 1,
}

domain(changes) := {"v": 1, "type": "domain", "domain": object.union(sales, changes)}

lone(changes) := {
	"v": 1, "type": "asset",
	"asset": object.union(object.union(table, {"fields": []}), changes),
}

# codes lists the findings as severity and code.
codes(findings) := {sprintf("%s %s", [f.severity, f.code]) | some f in findings}
