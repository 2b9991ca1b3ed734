package souk.platform_test

import data.souk.platform
import rego.v2

_without_purpose(question) := object.union(question, {"context": {"purpose": " "}})

_class(classification) := object.union(orders, {"classification": classification})

_status(status) := object.union(orders, {"status": status})

test_request_needs_a_purpose if {
	question := ask(bo, "access.request", orders)
	codes(platform.deny) == {"request.purpose"} with input as _without_purpose(question)
	codes(platform.deny) == set() with input as question
}

test_reading_sensitive_data_needs_a_purpose if {
	question := ask(bo, "data.read", orders)
	codes(platform.deny) == {"read.purpose"} with input as _without_purpose(question)
	codes(platform.deny) == set() with input as question
}

test_reading_internal_data_needs_no_purpose if {
	codes(platform.deny) == set() with input as _without_purpose(ask(bo, "data.read", _class("INTERNAL")))
}

test_clearance_bounds_reading_and_asking if {
	every action in ["data.read", "access.request"] {
		codes(platform.deny) == {"subject.clearance"} with input as ask(bo, action, _class("RESTRICTED"))
		codes(platform.deny) == set() with input as ask(cy, action, _class("RESTRICTED"))
	}
}

test_clearance_does_not_bound_looking if {
	codes(platform.deny) == set() with input as ask(bo, "metadata.view", _class("RESTRICTED"))
}

test_clearance_message_names_the_class if {
	some reason in platform.deny with input as ask(bo, "data.read", _class("RESTRICTED"))
	reason.message == "Your clearance does not reach RESTRICTED data."
}

test_retired_product_gives_nothing if {
	every action in ["data.read", "access.request"] {
		codes(platform.deny) == {"product.retired"} with input as ask(ana, action, _status("RETIRED"))
	}
}

test_only_published_products_are_requested if {
	codes(platform.deny) == {"product.not_published"} with input as ask(bo, "access.request", _status("DRAFT"))
	codes(platform.deny) == {"product.not_published"} with input as ask(bo, "access.request", _status("DEPRECATED"))
	codes(platform.deny) == set() with input as ask(bo, "data.read", _status("DEPRECATED"))
}

_as_steward(question) := object.union(question, {"facts": {"roles_held": ["domain_steward"]}})

test_nobody_approves_their_own_request if {
	own := object.union(request, {"requester": "prn_ana"})
	codes(platform.deny) == {"request.own"} with input as _as_steward(ask(ana, "request.approve", own))
	codes(platform.deny) == set() with input as _as_steward(ask(ana, "request.approve", request))
}

test_voting_takes_a_role if {
	every action in ["request.approve", "request.reject"] {
		codes(platform.deny) == {"approver.no_role"} with input as ask(abe, action, request)
		codes(platform.deny) == set() with input as _as_steward(ask(ana, action, request))
	}
}

_roles(approvals) := {a.role | some a in approvals}

test_approvals_grow_with_the_harm if {
	_roles(platform.approvals) == set() with input as ask(cy, "access.request", _class("INTERNAL"))
	_roles(platform.approvals) == {"domain_steward"} with input as ask(cy, "access.request", _class("CONFIDENTIAL"))
	both := {"domain_steward", "platform_steward"}
	_roles(platform.approvals) == both with input as ask(cy, "access.request", _class("RESTRICTED"))
}

test_approvals_are_for_requests_only if {
	count(platform.approvals) == 0 with input as ask(cy, "data.read", _class("RESTRICTED"))
}

_types(obligations) := {o.type | some o in obligations}

test_duties_grow_with_the_harm if {
	_types(platform.obligations) == set() with input as ask(cy, "data.read", _class("INTERNAL"))
	_types(platform.obligations) == {"log"} with input as ask(cy, "data.read", _class("CONFIDENTIAL"))
	_types(platform.obligations) == {"log", "no_export"} with input as ask(cy, "data.read", _class("RESTRICTED"))
}

_longest(obligations) := {o.params.duration_s | some o in obligations}

test_grants_shorten_with_the_harm if {
	_longest(platform.obligations) == {366 * 86400} with input as ask(cy, "access.request", _class("PUBLIC"))
	_longest(platform.obligations) == {183 * 86400} with input as ask(cy, "access.request", _class("CONFIDENTIAL"))
	_longest(platform.obligations) == {90 * 86400} with input as ask(cy, "access.request", _class("RESTRICTED"))
}
