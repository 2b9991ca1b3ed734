package souk.standards_test

import data.souk.standards
import rego.v2

test_good_metadata_has_no_findings if {
	every noun in [product({}), domain({}), lone({})] {
		codes(standards.findings) == set() with input as noun
	}
}

_spoiled contains ["warning naming.placeholder", product({"name": "orders_tmp"})]

_spoiled contains ["warning naming.placeholder", domain({"name": "old_sales"})]

_spoiled contains ["warning naming.version", product({"name": "orders_v2"})]

_spoiled contains ["warning naming.version", product({"name": "orders_2"})]

_spoiled contains ["error description.missing", product({"description": ""})]

_spoiled contains ["error description.missing", product({"description": " \n"})]

_spoiled contains ["warning description.short", product({"description": "x"})]

_spoiled contains ["warning description.short", product({"description": "Orders of all our customers.."})]

_spoiled contains ["warning description.business_context", product({"business_context": ""})]

_spoiled contains ["warning description.missing", domain({"description": ""})]

_spoiled contains ["warning description.missing", lone({"description": ""})]

_spoiled contains ["error owner.missing", product({"owner": ""})]

_spoiled contains ["error owner.suspended", product({"owner_suspended": true})]

_spoiled contains ["warning owner.team", product({"owner_team": ""})]

_spoiled contains ["warning owner.steward", domain({"stewards": 0})]

_spoiled contains ["error classification.personal", product({"tags": ["PII"]})]

_spoiled contains ["error classification.personal", asset({"tags": ["personal"]})]

_spoiled contains ["error contract.output", product({"ports": []})]

_spoiled contains ["warning contract.port_description", port({"description": ""})]

_spoiled contains ["warning contract.fields", asset({"fields_described": 3})]

_spoiled contains ["warning contract.unknown_fields", asset({"field_count": 0, "fields_described": 0})]

_spoiled contains ["error contract.retired", asset({"status": "RETIRED"})]

_spoiled contains ["warning freshness.harvest", asset({"harvest_age_h": -1})]

_spoiled contains ["warning freshness.harvest", asset({"harvest_age_h": 169})]

_spoiled contains ["error freshness.unlisted", asset({"unlisted": true})]

_spoiled contains ["error freshness.unlisted", lone({"unlisted": true})]

_spoiled contains ["warning freshness.quality", asset({"quality": {"age_h": 169}})]

_spoiled contains ["warning freshness.failing", asset({"quality": {"failing": 1}})]

test_each_standard_finds_what_it_is_for if {
	every pair in _spoiled {
		codes(standards.findings) == {pair[0]} with input as pair[1]
		count(standards.findings) == 1 with input as pair[1]
	}
}

test_enough_is_enough if {
	every noun in [
		product({"description": "Orders of all our customers..."}),
		asset({"harvest_age_h": 168}),
		asset({"quality": {"rules": 0, "age_h": -1}}),
		product({"classification": "CONFIDENTIAL", "tags": ["pii"]}),
	] {
		codes(standards.findings) == set() with input as noun
	}
}

test_an_empty_port_beside_a_full_one if {
	noun := product({"ports": [output, object.union(output, {"name": "more", "assets": []})]})
	codes(standards.findings) == {"warning contract.empty_port"} with input as noun
}

test_what_comes_in_is_not_promised if {
	spoiled := {
		"field_count": 0, "harvest_age_h": -1, "status": "RETIRED", "tags": ["pii"],
		"quality": {"rules": 1, "failing": 1, "age_h": -1},
	}
	poor := object.union(table, spoiled)
	made_of := {"name": "raw", "direction": "INPUT", "description": "", "assets": [poor]}
	codes(standards.findings) == set() with input as product({"ports": [output, made_of]})
}

test_findings_name_the_port if {
	{f.field | some f in standards.findings} == {"ports.rows"} with input as asset({"harvest_age_h": -1})
}
