package souk.template

import data.souk.lib
import rego.v2

# METADATA
# title: Asking for access
# description: Whoever may find the product may ask for it.
allow contains {"code": "request.open", "message": "You may ask for this product."} if {
	input.action.name == "access.request"
	input.resource.type == "data_product"
	_findable(input.subject, input.resource)
}

_findable(_, resource) if lib.is_discoverable(resource)

_findable(subject, resource) if lib.is_member(subject, resource.domain)

_findable(subject, resource) if lib.is_owner(subject, resource)

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
