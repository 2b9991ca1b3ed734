# METADATA
# title: The contract of the mesh
# description: |
#   Questions that every domain's rules have to answer alike, whatever else they
#   say. Before a draft may go on, the server asks it each of them, together with
#   the platform's guardrails. The input is an ordinary question about the
#   domain: an outsider wants to read a published product. A case changes that
#   question and lists the answers that are acceptable.
package souk.contract

import rego.v2

_domain := input.resource.domain

# One of everything that a policy is asked about.
_actions := {
	"metadata.view", "data.read", "access.request", "request.approve", "request.reject", "request.cancel",
	"grant.revoke", "product.create", "product.update", "product.publish", "product.deprecate", "product.retire",
	"asset.update", "domain.admin", "source.admin", "identity.admin", "audit.read", "policy.read", "policy.draft",
	"policy.approve", "policy.activate", "policy.rollback", "decision.explain", "app.read",
}

# Somebody who could hardly hold more.
_mighty := {
	"domain": _domain, "steward_of": [_domain], "roles": ["EMPLOYEE", "ADMIN", "STEWARD"], "clearance": "RESTRICTED",
}

_roles := {"roles_held": ["domain_steward", "product_owner", "platform_steward"]}

_question(action, changes) := object.union(input, object.union({"action": {"name": action}}, changes))

# METADATA
# title: Suspended subjects
# description: A suspended principal is refused everything, whatever roles they hold.
cases contains {
	"name": "a suspended principal is refused everything",
	"accept": {"DENY"},
	"input": _question(action, {"subject": object.union(_mighty, {"suspended": true}), "facts": _roles}),
} if {
	some action in _actions
}

# METADATA
# title: Unknown subjects
# description: Whoever is not signed in is refused everything.
cases contains {
	"name": "whoever is not signed in is refused everything",
	"accept": {"DENY"},
	"input": _question(action, {"subject": object.union(_mighty, {"id": ""}), "facts": _roles}),
} if {
	some action in _actions
}

# METADATA
# title: Own requests
# description: Nobody approves a request or a draft of their own.
cases contains {
	"name": "nobody approves what they asked for themselves",
	"accept": {"DENY"},
	"input": _question(action, {
		"subject": _mighty, "resource": {"type": type, "requester": input.subject.id},
		"facts": _roles,
	}),
} if {
	some action, type in {"request.approve": "access_request", "policy.approve": "policy"}
}

# METADATA
# title: Approving roles
# description: Whoever holds no role that decides over a request has no vote.
cases contains {
	"name": "whoever holds no approving role has no vote",
	"accept": {"DENY"},
	"input": _question(action, {"resource": {"type": "access_request", "requester": "prn_contract_other"}}),
} if {
	some action in {"request.approve", "request.reject"}
}

# METADATA
# title: Retired products
# description: A retired product gives nothing any more, even to those who may do anything else.
cases contains {
	"name": "a retired product gives nothing",
	"accept": {"DENY"},
	"input": _question(action, {"subject": _mighty, "resource": {"status": "RETIRED"}}),
} if {
	some action in {"data.read", "access.request"}
}

# METADATA
# title: Drafts
# description: Nobody outside the domain sees, reads or requests a draft.
cases contains {
	"name": "a draft stays at home",
	"accept": {"DENY"},
	"input": _question(action, {"resource": {"status": "DRAFT"}}),
} if {
	some action in {"metadata.view", "data.read", "access.request"}
}

# METADATA
# title: Clearance
# description: Nobody reads, or asks to read, above their clearance.
cases contains {
	"name": "nobody reads above their clearance",
	"accept": {"DENY"},
	"input": _question(action, {
		"subject": object.union(_mighty, {"clearance": "INTERNAL"}),
		"resource": {"classification": classification},
	}),
} if {
	some action in {"data.read", "access.request"}
	some classification in {"CONFIDENTIAL", "RESTRICTED"}
}

# METADATA
# title: Purpose
# description: Sensitive data is read, and any data requested, for a stated purpose.
cases contains {
	"name": "a purpose is stated",
	"accept": {"DENY"},
	"input": _question(action, {
		"subject": _mighty, "resource": {"classification": "CONFIDENTIAL"},
		"context": {"purpose": " "},
	}),
} if {
	some action in {"data.read", "access.request"}
}

# METADATA
# title: Approval
# description: Sensitive data is never granted without somebody's vote.
cases contains {
	"name": "sensitive data is not granted without a vote",
	"accept": {"DENY", "NEEDS_APPROVAL"},
	"input": _question("access.request", {"subject": _mighty, "resource": {"classification": classification}}),
} if {
	some classification in {"CONFIDENTIAL", "RESTRICTED"}
}

# METADATA
# title: Reserved duties
# description: An outsider runs no domain, no sources, no principals and no policies.
cases contains {
	"name": "an outsider administers nothing",
	"accept": {"DENY"},
	"input": _question(action, {"resource": {"type": type}}),
} if {
	some action, type in {
		"domain.admin": "domain", "source.admin": "source", "identity.admin": "principal",
		"policy.activate": "policy", "policy.rollback": "policy",
	}
}

# METADATA
# title: Incomplete products
# description: What describes nothing, belongs to nobody or offers nothing is not published.
cases contains {
	"name": "an incomplete product is not published",
	"accept": {"DENY"},
	"input": _question("product.publish", {"subject": _mighty, "resource": object.union({"status": "DRAFT"}, lack)}),
} if {
	some lack in [{"described": false}, {"has_owner": false}, {"ports": 0}]
}

# METADATA
# title: The server's own work
# description: |
#   The server ends grants that have run out and requests that nobody answered.
#   Rules that forbid it would keep them open for ever.
cases contains {
	"name": "the server may end grants and requests",
	"accept": {"ALLOW"},
	"input": _question(action, {
		"subject": {"type": "service", "id": "prn_system", "name": "system", "domain": "", "roles": ["ADMIN"]},
		"resource": {"type": type, "requester": "prn_contract_other"},
	}),
} if {
	some action, type in {"grant.revoke": "grant", "request.cancel": "access_request"}
}
