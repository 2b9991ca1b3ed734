package souk.template

import data.souk.lib
import rego.v2

# METADATA
# title: Stewards run the products
# description: Creating, publishing, deprecating and retiring is a steward's.
allow contains {"code": "product.steward", "message": "You are a steward of the domain."} if {
	input.action.name in {
		"product.create", "product.update", "product.publish",
		"product.deprecate", "product.retire", "asset.update",
	}
	lib.is_steward(input.subject, input.resource.domain)
}

# METADATA
# title: Owners keep their products
# description: The owner of a product, or a team that owns it, keeps its texts and ports up to date.
allow contains {"code": "product.owner", "message": "You own the product."} if {
	input.action.name == "product.update"
	lib.is_owner(input.subject, input.resource)
}
