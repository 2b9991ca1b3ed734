package souk.platform

import data.souk.lib
import rego.v2

# METADATA
# title: Administrators
# description: Administrators run domains, sources and principals, and read the audit feed.
allow contains {"code": "role.admin", "message": "You are an administrator."} if {
	input.action.name in {
		"domain.admin", "source.admin", "identity.admin",
		"audit.read", "grant.revoke", "request.cancel",
	}
	lib.is_admin(input.subject)
}

# METADATA
# title: Stewards at home
# description: A steward runs the own domain and its sources, reads its audit feed and ends its grants.
allow contains {"code": "role.steward", "message": "You are a steward of the domain."} if {
	input.action.name in {"domain.admin", "source.admin", "audit.read", "grant.revoke"}
	lib.is_steward(input.subject, input.resource.domain)
}

# METADATA
# title: Reserved for administrators and stewards
# description: No domain can hand its stewards' duties to everybody.
deny contains {"code": "admin.reserved", "message": "Only an administrator or a steward may do this."} if {
	input.action.name in {"domain.admin", "source.admin"}
	not lib.is_admin(input.subject)
	not lib.is_steward(input.subject, input.resource.domain)
}

# METADATA
# title: Own tokens
# description: Everybody manages their own tokens.
allow contains {"code": "token.own", "message": "The token is your own."} if {
	input.action.name == "identity.admin"
	input.resource.type == "token"
	input.resource.owner == input.subject.id
}

# METADATA
# title: Withdrawing
# description: Whoever asked may take the request back, and whoever holds a grant may give it back.
allow contains {"code": "request.withdraw", "message": "It is your own to withdraw."} if {
	input.action.name in {"request.cancel", "grant.revoke"}
	input.resource.requester == input.subject.id
}

# METADATA
# title: Owners end grants
# description: The owner of a product may end its grants at any time.
allow contains {"code": "grant.owner", "message": "You own the product."} if {
	input.action.name == "grant.revoke"
	lib.is_owner(input.subject, input.resource)
}
