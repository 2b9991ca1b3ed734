package souk.template_test

import data.souk.template
import rego.v2

_open := object.union(orders, {"classification": "PUBLIC"})

_internal := object.union(orders, {"classification": "INTERNAL"})

test_whoever_finds_a_product_may_ask if {
	codes(template.allow) == {"request.open"} with input as ask(bo, "access.request", orders)
	hidden := object.union(orders, {"visibility": "DOMAIN"})
	codes(template.allow) == set() with input as ask(bo, "access.request", hidden)
	codes(template.allow) == {"request.open"} with input as ask(abe, "access.request", hidden)
	owned := object.union(hidden, {"owner": "prn_bo"})
	codes(template.allow) == {"request.open"} with input as ask(bo, "access.request", owned)
	codes(template.allow) == set() with input as ask(bo, "access.request", object.union(orders, {"type": "asset"}))
}

test_a_steward_grants_all_but_public_data if {
	want := {{"role": "domain_steward", "domain": "sales", "min": 1, "exclude_requester": true}}
	template.approvals == want with input as ask(bo, "access.request", orders)
	template.approvals == want with input as ask(bo, "access.request", _internal)
	template.approvals == set() with input as ask(bo, "access.request", _open)
	template.approvals == set() with input as ask(bo, "data.read", orders)
}

test_holders_of_a_role_vote if {
	every action in ["request.approve", "request.reject"] {
		every role in ["domain_steward", "product_owner", "platform_steward"] {
			question := object.union(ask(ana, action, request), {"facts": {"roles_held": [role]}})
			codes(template.allow) == {"request.approver"} with input as question
			elsewhere := object.union(question, {"action": {"name": "grant.revoke"}})
			codes(template.allow) == set() with input as elsewhere
		}
		codes(template.allow) == set() with input as ask(abe, action, request)
		nobody := object.union(ask(ana, action, request), {"facts": {"roles_held": ["onlooker"]}})
		codes(template.allow) == set() with input as nobody
	}
}
