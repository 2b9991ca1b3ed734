package souk.template_test

import data.souk.template
import rego.v2

_hidden := object.union(orders, {"visibility": "DOMAIN", "owner": ""})

test_members_look_around if {
	every type in ["data_product", "asset"] {
		resource := object.union(_hidden, {"type": type})
		codes(template.allow) == {"visible.member"} with input as ask(abe, "metadata.view", resource)
		codes(template.allow) == set() with input as ask(bo, "metadata.view", resource)
	}
}

test_sources_requests_and_decisions_are_the_stewards if {
	every type in ["source", "access_request", "grant", "decision"] {
		resource := object.union(_hidden, {"type": type, "requester": "prn_bo"})
		codes(template.allow) == {"visible.steward"} with input as ask(ana, "metadata.view", resource)
		codes(template.allow) == set() with input as ask(abe, "metadata.view", resource)
	}
}

test_holders_see_what_they_hold if {
	end := "2027-01-01T00:00:00.000Z"
	grants := {"facts": {"grants": [{"id": "grt_1", "product": "dpr_orders", "purpose": "x", "until": end}]}}
	question := object.union(ask(bo, "metadata.view", _hidden), grants)
	codes(template.allow) == {"visible.grant"} with input as question
	codes(template.allow) == set() with input as object.union(question, {"context": {"now": end}})
	codes(template.allow) == set() with input as object.union(question, {"resource": {"type": "asset"}})
	not "visible.grant" in codes(template.allow) with input as object.union(question, {"action": {"name": "data.read"}})
}
