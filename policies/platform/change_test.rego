package souk.platform_test

import data.souk.platform
import rego.v2

_table := object.union(orders, {"type": "asset", "id": "ast_1", "name": "shop.orders"})

_stray := object.union(_table, {"domain": ""})

_change := object.union(orders, {
	"type": "change", "id": "chg_1", "name": "UPDATE",
	"status": "PENDING", "requester": "prn_bo",
})

_in_role(question) := object.union(question, {"facts": {"grants": [], "roles_held": ["domain_steward"]}})

test_owners_are_asked if {
	codes(platform.allow) == {"offer.ask"} with input as ask(bo, "product.offer", _table)
	codes(platform.allow) == set() with input as ask(bo, "product.offer", orders)
	platform.approvals == {_steward("sales")} with input as ask(bo, "product.offer", _table)
	platform.approvals == {_platform_steward} with input as ask(bo, "product.offer", _stray)
}

_steward(domain) := {"role": "domain_steward", "domain": domain, "min": 1, "exclude_requester": true}

_platform_steward := {"role": "platform_steward", "min": 1, "exclude_requester": true}

test_owners_take_their_consent_back if {
	codes(platform.allow) == {"consent.owner"} with input as ask(ana, "consent.revoke", _table)
	codes(platform.allow) == {"consent.owner"} with input as ask(cy, "consent.revoke", _stray)
	codes(platform.allow) == {"consent.owner"} with input as ask(_admin, "consent.revoke", _stray)
	codes(platform.allow) == set() with input as ask(bo, "consent.revoke", _table)
}

_admin := object.union(cy, {"roles": ["ADMIN"]})

_opens(classification) := object.union(ask(ana, "product.publish", orders), {"facts": {
	"grants": [], "roles_held": [],
	"change": {"loosens": true, "classification": classification, "fields": ["classification"]},
}})

test_opening_further_takes_another_word if {
	platform.approvals == {_steward("sales")} with input as _opens("CONFIDENTIAL")
	platform.approvals == {_steward("sales"), _platform_steward} with input as _opens("RESTRICTED")
	platform.approvals == set() with input as ask(ana, "product.publish", orders)
}

test_approvers_decide_over_changes if {
	every action in ["change.approve", "change.reject"] {
		codes(platform.allow) == {"change.approver"} with input as _in_role(ask(ana, action, _change))
		codes(platform.allow) == set() with input as ask(ana, action, _change)
	}
	codes(platform.deny) == {"change.own"} with input as _in_role(ask(bo, "change.approve", _change))
	codes(platform.deny) == set() with input as _in_role(ask(ana, "change.approve", _change))
}

test_administrators_decide_over_stewards if {
	stewards := object.union(_change, {"name": "STEWARDS"})
	codes(platform.allow) == {"change.admin"} with input as ask(cy, "change.approve", stewards)
	codes(platform.allow) == set() with input as ask(cy, "change.approve", _change)
}

test_changes_are_withdrawn if {
	codes(platform.allow) == {"change.withdraw"} with input as ask(bo, "change.withdraw", _change)
	codes(platform.allow) == {"change.withdraw"} with input as ask(cy, "change.withdraw", _change)
	codes(platform.allow) == set() with input as ask(ana, "change.withdraw", _change)
}

test_stewards_are_named_by_two if {
	codes(platform.allow) == {"steward.name"} with input as ask(ana, "domain.steward", orders)
	platform.approvals == {_steward("sales")} with input as ask(ana, "domain.steward", orders)
	codes(platform.allow) == {"steward.name"} with input as ask(_admin, "domain.steward", orders)
	platform.approvals == set() with input as ask(_admin, "domain.steward", orders)
	codes(platform.allow) == set() with input as ask(bo, "domain.steward", orders)
}

test_platform_stewards_see_changes if {
	seer := object.union(cy, {"roles": ["STEWARD"]})
	codes(platform.allow) == {"visible.change"} with input as ask(seer, "metadata.view", _change)
}

_without_consent := object.union(orders, {"unconsented": 1})

test_what_is_offered_without_consent_opens_nothing if {
	every action in ["data.read", "access.request"] {
		codes(platform.deny) == {"product.unconsented"} with input as ask(bo, action, _without_consent)
	}
	codes(platform.deny) == set() with input as ask(bo, "metadata.view", _without_consent)
}

_ends(consumers, hours) := object.union(ask(ana, "product.retire", orders), {"facts": {
	"grants": [], "roles_held": [], "ending": {"consumers": consumers, "notice_hours": hours, "successor": false},
}})

test_consumers_have_notice if {
	codes(platform.deny) == {"retire.notice"} with input as _ends(2, -1)
	codes(platform.deny) == {"retire.notice"} with input as _ends(2, 335)
	codes(platform.deny) == set() with input as _ends(2, 336)
	codes(platform.deny) == set() with input as _ends(0, -1)
}
