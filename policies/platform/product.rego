package souk.platform

import data.souk.lib
import rego.v2

# METADATA
# title: Description before publishing
# description: A product that says nothing of itself cannot be found or trusted.
deny contains {"code": "publish.description", "message": "A product needs a description before it is published."} if {
	input.action.name == "product.publish"
	input.resource.described == false
}

# METADATA
# title: Owner before publishing
# description: Somebody must answer for what is published.
deny contains {"code": "publish.owner", "message": "A product needs an owner before it is published."} if {
	input.action.name == "product.publish"
	input.resource.has_owner == false
}

# METADATA
# title: Output before publishing
# description: A product without an output port offers nothing.
deny contains {"code": "publish.port", "message": message} if {
	input.action.name == "product.publish"
	input.resource.ports < 1
	message := "A product needs an output port with at least one asset before it is published."
}

# METADATA
# title: Standards before publishing
# description: |
#   What the shared standards call an error is mended before others build on
#   it. A missing description, owner or output is told by the rules above.
deny contains {"code": "publish.standards", "message": message} if {
	input.action.name == "product.publish"
	told := {"description.missing", "owner.missing", "contract.output"}
	open := {code | some code in input.resource.findings.codes; not code in told}
	count(open) > 0
	message := sprintf("The product does not meet the shared standards: %s.", [concat(", ", sort(open))])
}

# METADATA
# title: Notice before retiring
# description: Whoever reads a product has notice before it ends, from the day on which it is deprecated.
deny contains {"code": "retire.notice", "message": message} if {
	input.action.name == "product.retire"
	input.facts.ending.consumers > 0
	input.facts.ending.notice_hours < _notice_days * 24
	message := sprintf(
		"The product has %d consumers: deprecate it with a successor, and retire it %d days later.",
		[input.facts.ending.consumers, _notice_days],
	)
}

_notice_days := 14

# METADATA
# title: Drafts stay at home
# description: A draft is known to its own domain, its owner and the administrators.
deny contains {"code": "product.draft", "message": "The product is a draft of another domain."} if {
	input.action.name in {"metadata.view", "data.read"}
	input.resource.type == "data_product"
	input.resource.status == "DRAFT"
	not lib.is_insider(input.subject, input.resource)
}
