package souk.contract_test

import data.souk.contract
import rego.v2

_ordinary := {
	"v": 1, "action": {"name": "data.read"},
	"subject": {"id": "prn_contract", "domain": "elsewhere", "roles": ["EMPLOYEE"], "suspended": false},
	"resource": {"type": "data_product", "domain": "sales", "status": "PUBLISHED", "ports": 1},
	"facts": {"grants": [], "roles_held": []}, "context": {"purpose": "contract"},
}

_named(name) := {c | some c in contract.cases; c.name == name}

test_every_case_says_what_it_accepts if {
	cases := contract.cases with input as _ordinary
	count(cases) > 60
	every c in cases {
		count(c.accept) > 0
		c.accept & {"ALLOW", "DENY", "NEEDS_APPROVAL"} == c.accept
		c.input.resource.domain == "sales"
	}
}

test_a_case_changes_what_it_is_about_and_nothing_else if {
	cases := _named("a retired product gives nothing") with input as _ordinary
	{c.input.action.name | some c in cases} == {"data.read", "access.request"}
	every c in cases {
		c.input.resource == object.union(_ordinary.resource, {"status": "RETIRED"})
		c.input.subject.id == "prn_contract"
		c.input.context == _ordinary.context
	}
}

test_the_suspended_hold_every_role if {
	cases := _named("a suspended principal is refused everything") with input as _ordinary
	count(cases) > 20
	every c in cases {
		c.input.subject.suspended == true
		c.input.subject.steward_of == ["sales"]
		count(c.input.facts.roles_held) == 3
	}
}
