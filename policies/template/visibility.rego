package souk.template

import data.souk.lib
import rego.v2

# METADATA
# title: Members look around
# description: Members see the products and assets of their domain, drafts included.
allow contains {"code": "visible.member", "message": "You belong to the domain."} if {
	input.action.name == "metadata.view"
	input.resource.type in {"data_product", "asset"}
	lib.is_member(input.subject, input.resource.domain)
}

# METADATA
# title: Stewards see everything of the domain
# description: Sources, requests, grants and decisions about the domain are its stewards' business.
allow contains {"code": "visible.steward", "message": "You are a steward of the domain."} if {
	input.action.name == "metadata.view"
	lib.is_steward(input.subject, input.resource.domain)
}

# METADATA
# title: Holders see what they hold
# description: A live grant shows the product, however it is published.
allow contains {"code": "visible.grant", "message": "You hold a live grant."} if {
	input.action.name == "metadata.view"
	input.resource.type == "data_product"
	lib.has_grant(input.facts, input.resource, input.context.now)
}
