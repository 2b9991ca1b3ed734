package souk.standards

import rego.v2

# METADATA
# title: Personal data is confidential
# description: |
#   A tag that says "this is about people" beside a classification that says
#   "anybody may know it": one of the two is wrong.
findings contains {
	"code": "classification.personal",
	"severity": "error",
	"field": "classification",
	"message": sprintf("The product is %s, but the tag %q says that it holds personal data.", [
		input.product.classification,
		tag,
	]),
	"remedy": "Raise the classification to CONFIDENTIAL, or take the tag away if it is wrong.",
} if {
	input.product.classification in {"", "INTERNAL", "PUBLIC"}
	some tag in _tags
	lower(tag) in {"gdpr", "personal", "personal_data", "pii", "sensitive"}
}

_tags contains tag if some tag in input.product.tags

_tags contains tag if {
	some port in input.product.ports
	port.direction == "OUTPUT"
	some asset in port.assets
	some tag in asset.tags
}
