package souk.template_test

import data.souk.template
import rego.v2

_public := object.union(orders, {"classification": "PUBLIC"})

_internal := object.union(orders, {"classification": "INTERNAL"})

_granted(until) := {"facts": {"grants": [{"id": "grt_1", "product": "dpr_orders", "purpose": "x", "until": until}]}}

test_everybody_reads_public_data if {
	codes(template.allow) == {"read.public"} with input as ask(bo, "data.read", _public)
}

test_members_and_owners_read if {
	codes(template.allow) == {"read.member"} with input as ask(abe, "data.read", orders)
	owned := object.union(orders, {"owner": "prn_bo"})
	codes(template.allow) == {"read.member"} with input as ask(bo, "data.read", owned)
	codes(template.allow) == set() with input as ask(bo, "data.read", orders)
	codes(template.allow) == set() with input as ask(cy, "data.read", orders)
}

test_holders_read_until_the_end if {
	question := ask(bo, "data.read", orders)
	codes(template.allow) == {"read.grant"} with input as object.union(question, _granted("2026-05-04T12:00:00.001Z"))
	codes(template.allow) == set() with input as object.union(question, _granted("2026-05-04T12:00:00.000Z"))
}

test_whoever_finds_a_product_may_ask if {
	codes(template.allow) == {"request.open"} with input as ask(bo, "access.request", orders)
	hidden := object.union(orders, {"visibility": "DOMAIN"})
	codes(template.allow) == set() with input as ask(bo, "access.request", hidden)
	codes(template.allow) == {"request.open"} with input as ask(abe, "access.request", hidden)
	codes(template.allow) == set() with input as ask(bo, "access.request", object.union(orders, {"type": "asset"}))
}

test_a_steward_grants_all_but_public_data if {
	want := {{"role": "domain_steward", "domain": "sales", "min": 1, "exclude_requester": true}}
	template.approvals == want with input as ask(bo, "access.request", orders)
	template.approvals == want with input as ask(bo, "access.request", _internal)
	template.approvals == set() with input as ask(bo, "access.request", _public)
	template.approvals == set() with input as ask(bo, "data.read", orders)
}

test_holders_of_a_role_vote if {
	every action in ["request.approve", "request.reject"] {
		every role in ["domain_steward", "product_owner", "platform_steward"] {
			question := object.union(ask(ana, action, request), {"facts": {"roles_held": [role]}})
			codes(template.allow) == {"request.approver"} with input as question
		}
		codes(template.allow) == set() with input as ask(abe, action, request)
	}
}
