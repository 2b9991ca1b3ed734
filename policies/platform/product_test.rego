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

test_publishing_needs_the_standards if {
	open := ["owner.suspended", "contract.retired", "owner.missing"]
	poor := object.union(orders, {"findings": {"errors": 3, "warnings": 1, "codes": open}})
	codes(platform.deny) == {"publish.standards"} with input as ask(ana, "product.publish", poor)
	some reason in platform.deny with input as ask(ana, "product.publish", poor)
	reason.message == "The product does not meet the shared standards: contract.retired, owner.suspended."
	codes(platform.deny) == set() with input as ask(ana, "product.update", poor)
}

test_warnings_and_what_is_told_already_do_not_count if {
	every found in [{"warnings": 4, "codes": []}, {"errors": 1, "codes": ["description.missing"]}] {
		noun := object.union(orders, {"findings": object.union({"errors": 0, "warnings": 0}, found)})
		codes(platform.deny) == set() with input as ask(ana, "product.publish", noun)
	}
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
