package souk.standards

import rego.v2

# METADATA
# title: A product says what it is
# description: Nobody finds or trusts data that says nothing of itself.
findings contains {
	"code": "description.missing",
	"severity": "error",
	"field": "description",
	"message": "The product has no description.",
	"remedy": "Say in two or three sentences what the data is, where it comes from and how often it changes.",
} if {
	trim_space(input.product.description) == ""
}

# METADATA
# title: Descriptions of some length
# description: A description of two words repeats the name.
findings contains {
	"code": "description.short",
	"severity": "warning",
	"field": "description",
	"message": "The description is shorter than 30 characters.",
	"remedy": "Say what the data is, where it comes from and how often it changes.",
} if {
	length := count(trim_space(input.product.description))
	length > 0
	length < 30
}

# METADATA
# title: What the data means
# description: Consumers ask first what they may use the data for.
findings contains {
	"code": "description.business_context",
	"severity": "warning",
	"field": "businessContext",
	"message": "The product does not say what it means to the business.",
	"remedy": "Write down what the data is used for, and what it must not be used for.",
} if {
	trim_space(input.product.business_context) == ""
}

# METADATA
# title: Assets and domains say what they are
# description: An asset is described in its source; a domain here.
findings contains {
	"code": "description.missing",
	"severity": "warning",
	"field": "description",
	"message": sprintf("The %s has no description.", [input.type]),
	"remedy": remedy,
} if {
	some type, remedy in {
		"asset": "Describe it where it is made (a comment in the database, a description in dbt) and harvest it again.",
		"domain": "Say in a sentence what the domain does and which data it looks after.",
	}
	input.type == type
	trim_space(_description(input)) == ""
}

_description(noun) := noun.asset.description

_description(noun) := noun.domain.description
