package souk.platform_test

import data.souk.platform
import rego.v2

_source := object.union(orders, {"type": "source", "id": "src_1", "owner": "", "product": ""})

_feed := object.union(_source, {"type": "audit", "domain": ""})

_system := object.union(cy, {"id": "prn_system", "type": "service", "domain": "", "steward_of": [], "roles": ["ADMIN"]})

test_admins_run_the_platform if {
	every action in ["domain.admin", "source.admin", "identity.admin", "audit.read", "grant.revoke", "request.cancel"] {
		every subject in [cy, _system] {
			"role.admin" in codes(platform.allow) with input as ask(subject, action, _source)
			codes(platform.deny) == set() with input as ask(subject, action, _source)
		}
	}
}

test_stewards_run_their_domain if {
	every action in ["domain.admin", "source.admin", "audit.read", "grant.revoke"] {
		"role.steward" in codes(platform.allow) with input as ask(ana, action, _source)
		codes(platform.allow) == set() with input as ask(bo, action, _source)
	}
}

test_administration_is_reserved if {
	every action in ["domain.admin", "source.admin"] {
		codes(platform.deny) == {"admin.reserved"} with input as ask(bo, action, _source)
		codes(platform.deny) == {"admin.reserved"} with input as ask(abe, action, _source)
		codes(platform.deny) == set() with input as ask(ana, action, _source)
	}
}

test_identity_is_the_admins if {
	codes(platform.allow) == set() with input as ask(ana, "identity.admin", _feed)
}

test_everybody_manages_their_own_tokens if {
	token := object.union(_feed, {"type": "token", "owner": "prn_bo"})
	codes(platform.allow) == {"token.own"} with input as ask(bo, "identity.admin", token)
	codes(platform.allow) == set() with input as ask(ana, "identity.admin", token)
	codes(platform.allow) == set() with input as ask(bo, "identity.admin", object.union(token, {"type": "principal"}))
}

test_audit_feed_is_the_admins if {
	codes(platform.allow) == set() with input as ask(ana, "audit.read", _feed)
}

test_withdrawing if {
	every action in ["request.cancel", "grant.revoke"] {
		codes(platform.allow) == {"request.withdraw"} with input as ask(bo, action, request)
		codes(platform.allow) == set() with input as ask(abe, action, request)
	}
}

test_owners_end_grants if {
	grant := object.union(request, {"type": "grant", "owner": "prn_abe"})
	codes(platform.allow) == {"grant.owner"} with input as ask(abe, "grant.revoke", grant)
	codes(platform.allow) == set() with input as ask(abe, "request.cancel", grant)
}
