package souk.template

import data.souk.lib
import rego.v2

# METADATA
# title: Granted data
# description: A live grant opens the product.
allow contains {"code": "read.grant", "message": "You hold a live grant."} if {
	input.action.name == "data.read"
	lib.has_grant(input.facts, input.resource, input.context.now)
}
