# METADATA
# title: The rules of a domain that has written none
# description: |
#   Every domain lives by this package until it puts one of its own in force.
#   Members look around, stewards publish, data is read by members and by
#   holders of a grant, and a grant takes a steward's word. To start a package
#   of your own, copy these files to domains/NAME and change the package line.
package souk.template

import data.souk.lib
import rego.v2

# METADATA
# title: Public data
# description: Everybody who is signed in reads public data; no request is needed.
allow contains {"code": "read.public", "message": "The data is public."} if {
	input.action.name == "data.read"
	input.resource.classification == "PUBLIC"
}

# METADATA
# title: Data of the own domain
# description: Members and owners read what their domain makes.
allow contains {"code": "read.member", "message": "You belong to the domain."} if {
	input.action.name == "data.read"
	_at_home(input.subject, input.resource)
}

_at_home(subject, resource) if lib.is_member(subject, resource.domain)

_at_home(subject, resource) if lib.is_owner(subject, resource)

# METADATA
# title: Granted data
# description: A live grant opens the product.
allow contains {"code": "read.grant", "message": "You hold a live grant."} if {
	input.action.name == "data.read"
	lib.has_grant(input.facts, input.resource, input.context.now)
}

# METADATA
# title: Asking for access
# description: Whoever may find the product may ask for it.
allow contains {"code": "request.open", "message": "You may ask for this product."} if {
	input.action.name == "access.request"
	input.resource.type == "data_product"
	_findable(input.subject, input.resource)
}

_findable(_, resource) if lib.is_discoverable(resource)

_findable(subject, resource) if _at_home(subject, resource)

# METADATA
# title: A steward decides
# description: All but public data is granted by a steward of the domain.
approvals contains lib.steward_approval(input.resource.domain) if {
	input.action.name == "access.request"
	input.resource.classification != "PUBLIC"
}

# METADATA
# title: Deciding over requests
# description: Whoever holds an approving role over the product votes.
allow contains {"code": "request.approver", "message": "You hold a role that decides over this request."} if {
	input.action.name in {"request.approve", "request.reject"}
	some role in input.facts.roles_held
	role in {"domain_steward", "product_owner", "platform_steward"}
}
