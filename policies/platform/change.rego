package souk.platform

import data.souk.lib
import rego.v2

# METADATA
# title: Asking to offer
# description: |
#   Whoever may change a product may ask another domain to let it offer what
#   that domain owns. Asking opens nothing.
allow contains {"code": "offer.ask", "message": "You may ask the domain that owns the data."} if {
	input.action.name == "product.offer"
	input.resource.type == "asset"
}

# METADATA
# title: The owner consents
# description: Nothing of a domain is offered by another one's product without the word of one of its stewards.
approvals contains lib.steward_approval(input.resource.domain) if {
	input.action.name == "product.offer"
	input.resource.domain != ""
}

# METADATA
# title: The platform consents
# description: For what no domain owns the platform's stewards speak.
approvals contains {"role": "platform_steward", "min": 1, "exclude_requester": true} if {
	input.action.name == "product.offer"
	input.resource.domain == ""
}

# METADATA
# title: Taking consent back
# description: |
#   The stewards of the domain that owns the data take its consent back, and so
#   does whoever runs the platform.
allow contains {"code": "consent.owner", "message": "You answer for the data."} if {
	input.action.name == "consent.revoke"
	_answers_for_data(input.subject, input.resource)
}

_answers_for_data(subject, resource) if lib.is_steward(subject, resource.domain)

_answers_for_data(subject, _) if lib.is_platform_steward(subject)

_answers_for_data(subject, _) if lib.is_admin(subject)

# METADATA
# title: Another word for what opens more
# description: What is published is not opened further by one person alone.
approvals contains lib.steward_approval(input.resource.domain) if {
	input.action.name == "product.publish"
	input.facts.change.loosens
}

# METADATA
# title: The platform's word for what was restricted
# description: What was restricted is opened with the word of a platform steward as well.
approvals contains {"role": "platform_steward", "min": 1, "exclude_requester": true} if {
	input.action.name == "product.publish"
	input.facts.change.loosens
	lib.rank(input.facts.change.classification) >= 3
}

# METADATA
# title: Deciding over changes
# description: Whoever holds a role that a proposed change wants votes on it.
allow contains {"code": "change.approver", "message": "You hold a role that decides over this change."} if {
	input.action.name in {"change.approve", "change.reject"}
	count(input.facts.roles_held) > 0
}

# METADATA
# title: Administrators name stewards
# description: The word of an administrator is enough to make somebody a steward.
allow contains {"code": "change.admin", "message": "You are an administrator."} if {
	input.action.name in {"change.approve", "change.reject"}
	input.resource.name == "STEWARDS"
	lib.is_admin(input.subject)
}

# METADATA
# title: Own change
# description: Nobody approves what they proposed themselves.
deny contains {"code": "change.own", "message": "Nobody may approve their own change."} if {
	input.action.name == "change.approve"
	input.resource.requester == input.subject.id
}

# METADATA
# title: Withdrawing a change
# description: Whoever proposed a change takes it back, and an administrator may.
allow contains {"code": "change.withdraw", "message": "It is your own to withdraw."} if {
	input.action.name == "change.withdraw"
	_may_withdraw(input.subject, input.resource)
}

_may_withdraw(subject, resource) if resource.requester == subject.id

_may_withdraw(subject, _) if lib.is_admin(subject)

# METADATA
# title: Naming stewards
# description: Stewards propose others for their domain; administrators name them.
allow contains {"code": "steward.name", "message": "You may name stewards of the domain."} if {
	input.action.name == "domain.steward"
	_may_name(input.subject, input.resource)
}

_may_name(subject, resource) if lib.is_steward(subject, resource.domain)

_may_name(subject, _) if lib.is_admin(subject)

# METADATA
# title: Another steward's word
# description: A steward makes nobody a steward alone.
approvals contains lib.steward_approval(input.resource.domain) if {
	input.action.name == "domain.steward"
	not lib.is_admin(input.subject)
}

# METADATA
# title: Whose word is wanted sees the change
# description: Platform stewards see the changes that may need their word.
allow contains {"code": "visible.change", "message": "Platform stewards see proposed changes."} if {
	input.action.name == "metadata.view"
	input.resource.type == "change"
	lib.is_platform_steward(input.subject)
}
