package souk.platform_test

import data.souk.platform
import rego.v2

_gateway := object.union(abe, {"id": "prn_gateway", "type": "service", "roles": ["PEP"]})

_trusted := object.union(_gateway, {"roles": ["TRUSTED_PEP"]})

_questions(requester) := object.union(orders, {"type": "decision", "requester": requester})

test_services_that_enforce_ask_about_others if {
	codes(platform.allow) == {"decision.pep"} with input as ask(_gateway, "decision.evaluate", _questions("prn_bo"))
	codes(platform.allow) == {"decision.pep"} with input as ask(_trusted, "decision.evaluate", _questions(""))
	codes(platform.allow) == {"decision.pep"} with input as ask(cy, "decision.evaluate", _questions("prn_bo"))
}

test_a_person_is_no_enforcement_point if {
	person := object.union(abe, {"roles": ["PEP", "TRUSTED_PEP"]})
	codes(platform.allow) == set() with input as ask(person, "decision.evaluate", _questions("prn_bo"))
	codes(platform.allow) == set() with input as ask(person, "decision.vouch", _questions("prn_bo"))
}

test_a_service_without_the_role_is_none if {
	plain := object.union(_gateway, {"roles": ["EMPLOYEE"]})
	codes(platform.allow) == set() with input as ask(plain, "decision.evaluate", _questions("prn_bo"))
}

test_everybody_asks_about_themselves if {
	codes(platform.allow) == {"decision.self"} with input as ask(abe, "decision.evaluate", _questions("prn_abe"))
}

test_only_trusted_services_vouch if {
	codes(platform.allow) == {"decision.trusted"} with input as ask(_trusted, "decision.vouch", _questions(""))
	codes(platform.allow) == set() with input as ask(_gateway, "decision.vouch", _questions(""))
	codes(platform.allow) == set() with input as ask(cy, "decision.vouch", _questions(""))
}
