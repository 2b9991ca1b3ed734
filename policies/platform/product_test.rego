package souk.platform_test

import data.souk.platform
import rego.v2

test_complete_product_may_be_published if {
	codes(platform.deny) == set() with input as ask(ana, "product.publish", orders)
}

test_publishing_needs_description_owner_and_port if {
	bare := object.union(orders, {"described": false, "has_owner": false, "ports": 0})
	want := {"publish.description", "publish.owner", "publish.port"}
	codes(platform.deny) == want with input as ask(ana, "product.publish", bare)
	codes(platform.deny) == set() with input as ask(ana, "product.update", bare)
}

_draft := object.union(orders, {"status": "DRAFT"})

test_drafts_stay_at_home if {
	every action in ["metadata.view", "data.read"] {
		codes(platform.deny) == {"product.draft"} with input as ask(bo, action, _draft)
		codes(platform.deny) == set() with input as ask(abe, action, _draft)
	}
}

test_owner_elsewhere_and_admin_see_drafts if {
	codes(platform.deny) == set() with input as ask(bo, "metadata.view", object.union(_draft, {"owner": "prn_bo"}))
	codes(platform.deny) == set() with input as ask(cy, "metadata.view", _draft)
}
