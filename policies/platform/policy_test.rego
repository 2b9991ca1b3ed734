package souk.platform_test

import data.souk.platform
import rego.v2

_policy := object.union(orders, {"type": "policy", "id": "ppr_1", "owner": "", "requester": "prn_abe"})

_held(question, role) := object.union(question, {"facts": {"roles_held": [role]}})

test_policies_are_open if {
	open := object.union(_policy, {"status": ""})
	codes(platform.allow) == {"policy.open"} with input as ask(bo, "policy.read", open)
	suspended := object.union(bo, {"suspended": true})
	codes(platform.deny) == {"subject.suspended"} with input as ask(suspended, "policy.read", _policy)
}

test_drafts_are_for_those_they_touch if {
	every status in ["DRAFT", "CHECKED", "TESTED", "ASSESSED", "APPROVED", "REJECTED"] {
		draft := object.union(_policy, {"status": status})
		every subject in [ana, abe, cy, object.union(bo, {"roles": ["ADMIN"]}), object.union(bo, {"id": "prn_abe"})] {
			codes(platform.allow) == {"policy.draft_reader"} with input as ask(subject, "policy.read", draft)
		}
		codes(platform.allow) == set() with input as ask(bo, "policy.read", draft)
		touched := object.union(draft, {"domain": "marketing"})
		codes(platform.allow) == {"policy.draft_reader"} with input as ask(bo, "policy.read", touched)
	}
	every status in ["", "ACTIVE", "SUPERSEDED", "ROLLED_BACK"] {
		once := object.union(_policy, {"status": status})
		codes(platform.allow) == {"policy.open"} with input as ask(bo, "policy.read", once)
	}
	nobodys := object.union(_policy, {"domain": "", "status": "DRAFT"})
	codes(platform.allow) == set() with input as ask(object.union(bo, {"domain": ""}), "policy.read", nobodys)
}

test_members_draft if {
	codes(platform.allow) == {"policy.author"} with input as ask(abe, "policy.draft", _policy)
	codes(platform.allow) == set() with input as ask(bo, "policy.draft", _policy)
}

test_the_platforms_own_rules_are_drafted_by_those_who_run_it if {
	own := object.union(_policy, {"domain": "", "requester": ""})
	dan := object.union(bo, {"steward_of": []})
	every role in ["ADMIN", "STEWARD"] {
		subject := object.union(dan, {"roles": [role]})
		codes(platform.allow) == {"policy.author"} with input as ask(subject, "policy.draft", own)
	}
	codes(platform.allow) == set() with input as ask(dan, "policy.draft", own)
}

test_only_the_author_changes_a_draft if {
	codes(platform.deny) == {"policy.not_author"} with input as ask(ana, "policy.draft", _policy)
	codes(platform.deny) == set() with input as ask(abe, "policy.draft", _policy)
	codes(platform.deny) == set() with input as ask(ana, "policy.draft", object.union(_policy, {"requester": ""}))
}

test_the_working_group_comments if {
	dan := object.union(bo, {"id": "prn_dan", "steward_of": []})
	every subject in [abe, bo, cy, object.union(dan, {"roles": ["STEWARD"]}), object.union(dan, {"roles": ["ADMIN"]})] {
		codes(platform.allow) == {"policy.working_group"} with input as ask(subject, "policy.comment", _policy)
	}
	codes(platform.allow) == set() with input as ask(dan, "policy.comment", _policy)
}

test_stewards_vote if {
	every role in ["domain_steward", "platform_steward"] {
		codes(platform.allow) == {"policy.approver"} with input as _held(ask(ana, "policy.approve", _policy), role)
	}
	codes(platform.allow) == set() with input as ask(ana, "policy.approve", _policy)
}

test_nobody_approves_their_own_draft if {
	own := object.union(_policy, {"requester": "prn_ana"})
	codes(platform.deny) == {"policy.own"} with input as _held(ask(ana, "policy.approve", own), "domain_steward")
	codes(platform.deny) == set() with input as _held(ask(ana, "policy.approve", _policy), "domain_steward")
}

test_stewards_put_rules_in_force if {
	every action in ["policy.activate", "policy.rollback"] {
		codes(platform.allow) == {"policy.steward"} with input as ask(ana, action, _policy)
		codes(platform.allow) == set() with input as ask(bo, action, _policy)
	}
}

test_rescue if {
	codes(platform.allow) == {"policy.rescue"} with input as ask(cy, "policy.rollback", _policy)
	dee := object.union(bo, {"id": "prn_dee", "roles": ["STEWARD"]})
	codes(platform.allow) == {"policy.rescue"} with input as ask(dee, "policy.rollback", _policy)
	codes(platform.allow) == set() with input as ask(cy, "policy.activate", _policy)
}

test_the_platforms_own_rules_come_into_force_by_those_who_run_it if {
	own := object.union(_policy, {"domain": ""})
	codes(platform.allow) == {"policy.platform"} with input as ask(cy, "policy.activate", own)
	codes(platform.allow) == set() with input as ask(ana, "policy.activate", own)
}

test_the_server_asks_who_has_to_approve if {
	system := object.union(bo, {"id": "prn_system", "steward_of": []})
	codes(platform.allow) == {"policy.system"} with input as ask(system, "policy.activate", _policy)
	codes(platform.allow) == set() with input as ask(system, "policy.rollback", _policy)
}

_harmless := {"loosens": false, "sensitive": false, "flip_percent": 10, "touches": ["sales"]}

_assessed(policy, impact) := object.union(
	ask(ana, "policy.activate", policy),
	{"facts": {"impact": object.union(_harmless, impact)}},
)

_steward_of(domain) := {"role": "domain_steward", "domain": domain, "min": 1, "exclude_requester": true}

_platform(votes) := {"role": "platform_steward", "min": votes, "exclude_requester": true}

test_the_domain_always_approves if {
	platform.approvals == {_steward_of("sales")} with input as _assessed(_policy, {})
	platform.approvals == set() with input as ask(ana, "policy.rollback", _policy)
}

test_whoever_is_touched_approves if {
	want := {_steward_of("sales"), _steward_of("marketing"), _steward_of("finance")}
	platform.approvals == want with input as _assessed(_policy, {"touches": ["finance", "marketing", "sales"]})
}

test_the_platform_approves_what_loosens_or_flips_much if {
	want := {_steward_of("sales"), _platform(1)}
	platform.approvals == want with input as _assessed(_policy, {"loosens": true})
	platform.approvals == want with input as _assessed(_policy, {"flip_percent": 11})
}

test_two_of_the_platform_approve_what_opens_sensitive_data if {
	want := {_steward_of("sales"), _platform(1), _platform(2)}
	platform.approvals == want with input as _assessed(_policy, {"loosens": true, "sensitive": true})
	platform.approvals == {_steward_of("sales")} with input as _assessed(_policy, {"sensitive": true})
}

test_an_impact_that_nobody_knows_is_the_worst if {
	want := {_steward_of("sales"), _platform(1), _platform(2)}
	platform.approvals == want with input as ask(ana, "policy.activate", _policy)
}

test_the_platform_approves_its_own_rules if {
	own := object.union(_policy, {"domain": ""})
	platform.approvals == {_platform(1)} with input as _assessed(own, {"touches": []})
	platform.approvals == {_platform(1), _platform(2)} with input as _assessed(own, {"touches": [], "loosens": true})
}
