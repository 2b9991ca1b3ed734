package souk.platform_test

import data.souk.platform
import rego.v2

_policy := object.union(orders, {"type": "policy", "id": "ppr_1", "owner": "", "requester": "prn_abe"})

_held(question, role) := object.union(question, {"facts": {"roles_held": [role]}})

test_policies_are_open if {
	codes(platform.allow) == {"policy.open"} with input as ask(bo, "policy.read", _policy)
}

test_members_draft if {
	codes(platform.allow) == {"policy.author"} with input as ask(abe, "policy.draft", _policy)
	codes(platform.allow) == set() with input as ask(bo, "policy.draft", _policy)
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
