# METADATA
# title: Standards of the company
# description: |
#   What good metadata looks like, for every domain. Standards allow and refuse
#   nothing by themselves: each finding says what is missing and how to mend it.
#   The platform refuses to publish a product while a finding of severity error
#   is open. A domain may add standards of its own, in domains/NAME/standards.
package souk.standards

import rego.v2

# METADATA
# title: Names that mean something
# description: A name that says "somebody was trying something" keeps others from relying on it.
findings contains {
	"code": "naming.placeholder",
	"severity": "warning",
	"field": "name",
	"message": sprintf("The name %q holds the word %q, which says nothing about the data.", [name, word]),
	"remedy": "Make a new one whose name says what the data is about; names never change.",
} if {
	name := _name(input)
	some word in split(name, "_")
	word in {"copy", "final", "foo", "new", "old", "temp", "test", "tmp", "untitled"}
}

# METADATA
# title: Names without versions
# description: A version in a name outlives the version; consumers are told of changes by the contract.
findings contains {
	"code": "naming.version",
	"severity": "warning",
	"field": "name",
	"message": sprintf("The name %q ends in a version.", [name]),
	"remedy": "Leave the version out of the name, and deprecate the product that it replaces.",
} if {
	name := _name(input)
	regex.match(`_v?[0-9]+$`, name)
}

_name(noun) := noun.product.name

_name(noun) := noun.domain.name
