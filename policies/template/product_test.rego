package souk.template_test

import data.souk.template
import rego.v2

test_stewards_run_the_products if {
	every action in [
		"product.create", "product.update", "product.publish",
		"product.deprecate", "product.retire", "asset.update",
	] {
		"product.steward" in codes(template.allow) with input as ask(ana, action, orders)
		codes(template.allow) == set() with input as ask(abe, action, orders)
		codes(template.allow) == set() with input as ask(cy, action, orders)
	}
}

test_owners_update if {
	owned := object.union(orders, {"owner": "prn_abe"})
	codes(template.allow) == {"product.owner"} with input as ask(abe, "product.update", owned)
	team := object.union(orders, {"owner_team": "carts"})
	member := object.union(abe, {"teams": ["carts"]})
	codes(template.allow) == {"product.owner"} with input as ask(member, "product.update", team)
	codes(template.allow) == set() with input as ask(abe, "product.update", team)
}

test_owners_do_not_publish if {
	owned := object.union(orders, {"owner": "prn_abe"})
	codes(template.allow) == set() with input as ask(abe, "product.publish", owned)
}
