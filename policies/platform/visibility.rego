package souk.platform

import data.souk.lib
import rego.v2

# METADATA
# title: The map of the mesh
# description: Everybody may know which domains, teams and people there are.
allow contains {"code": "visible.everyone", "message": "Domains, teams and principals are known to everybody."} if {
	input.action.name == "metadata.view"
	input.resource.type in {"domain", "team", "principal"}
}

# METADATA
# title: Published products
# description: A domain that publishes a product to the company has said that all may find it.
allow contains {"code": "visible.published", "message": "The product is published to the whole company."} if {
	input.action.name == "metadata.view"
	input.resource.type == "data_product"
	lib.is_discoverable(input.resource)
}

# METADATA
# title: Offered assets
# description: What a published product offers may be found as the product may.
allow contains {"code": "visible.exposed", "message": "A published product offers the asset."} if {
	input.action.name == "metadata.view"
	input.resource.type == "asset"
	input.resource.exposed == true
}

# METADATA
# title: Own affairs
# description: Everybody sees their own requests, grants, decisions and tokens, and those about what they own.
allow contains {"code": "visible.own", "message": "It is your own."} if {
	input.action.name == "metadata.view"
	_concerns(input.subject, input.resource)
}

_concerns(subject, resource) if {
	resource.requester != ""
	resource.requester == subject.id
}

_concerns(subject, resource) if lib.is_owner(subject, resource)

# METADATA
# title: Requests for the platform's stewards
# description: A platform steward sees the requests that may need their word.
allow contains {"code": "visible.steward", "message": "Platform stewards see access requests."} if {
	input.action.name == "metadata.view"
	input.resource.type == "access_request"
	lib.is_platform_steward(input.subject)
}

# METADATA
# title: Administrators
# description: Whoever runs the platform sees what stands in it, which is not its data.
allow contains {"code": "visible.admin", "message": "Administrators see all metadata."} if {
	input.action.name == "metadata.view"
	lib.is_admin(input.subject)
}
