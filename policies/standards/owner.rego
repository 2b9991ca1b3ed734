package souk.standards

import rego.v2

# METADATA
# title: Somebody answers
# description: A product without an owner is nobody's to mend.
findings contains {
	"code": "owner.missing",
	"severity": "error",
	"field": "ownerId",
	"message": "The product has no owner.",
	"remedy": "Name a principal who answers for the product.",
} if {
	input.product.owner == ""
}

# METADATA
# title: An owner who is there
# description: A suspended principal answers for nothing.
findings contains {
	"code": "owner.suspended",
	"severity": "error",
	"field": "ownerId",
	"message": "The owner of the product is suspended.",
	"remedy": "Name an owner who still works with the data.",
} if {
	input.product.owner_suspended == true
}

# METADATA
# title: A team behind the owner
# description: People change their jobs; a team remains.
findings contains {
	"code": "owner.team",
	"severity": "warning",
	"field": "ownerTeamId",
	"message": "No team looks after the product.",
	"remedy": "Name the team that goes on when the owner is away.",
} if {
	input.product.owner_team == ""
}

# METADATA
# title: Stewards of a domain
# description: Requests and policies wait for a steward's word.
findings contains {
	"code": "owner.steward",
	"severity": "warning",
	"field": "stewardIds",
	"message": "The domain has no steward.",
	"remedy": "Name two stewards, so that requests do not wait for one person's holidays.",
} if {
	input.domain.stewards == 0
}
