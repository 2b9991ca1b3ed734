package souk.platform

import data.souk.lib
import rego.v2

# METADATA
# title: Open rules
# description: Everybody may read the rules that they live under.
allow contains {"code": "policy.open", "message": "The policies are open to everybody."} if {
	input.action.name == "policy.read"
}

# METADATA
# title: Writing rules
# description: Members write rules for their own domain; drafts bind nobody.
allow contains {"code": "policy.author", "message": "You belong to the domain."} if {
	input.action.name == "policy.draft"
	lib.is_member(input.subject, input.resource.domain)
}

# METADATA
# title: The working group
# description: Members of the domain and the stewards of all domains may comment on its drafts.
allow contains {"code": "policy.working_group", "message": "You belong to the working group."} if {
	input.action.name == "policy.comment"
	_in_working_group(input.subject, input.resource)
}

_in_working_group(subject, resource) if lib.is_member(subject, resource.domain)

_in_working_group(subject, _) if count(subject.steward_of) > 0

_in_working_group(subject, _) if lib.is_platform_steward(subject)

_in_working_group(subject, _) if lib.is_admin(subject)

# METADATA
# title: Voting on rules
# description: Stewards vote on the rules that touch them.
allow contains {"code": "policy.approver", "message": "You hold a role that decides over this draft."} if {
	input.action.name == "policy.approve"
	some role in input.facts.roles_held
	role in {"domain_steward", "platform_steward"}
}

# METADATA
# title: Own draft
# description: Nobody approves the rules that they wrote.
deny contains {"code": "policy.own", "message": "Nobody may approve their own draft."} if {
	input.action.name == "policy.approve"
	input.resource.requester == input.subject.id
}

# METADATA
# title: Putting rules in force
# description: Stewards put the approved rules of their domain in force, and take them back.
allow contains {"code": "policy.steward", "message": "You are a steward of the domain."} if {
	input.action.name in {"policy.activate", "policy.rollback"}
	lib.is_steward(input.subject, input.resource.domain)
}

# METADATA
# title: Taking rules back
# description: When time matters, administrators and platform stewards return a domain to its earlier rules.
allow contains {"code": "policy.rescue", "message": "You may return a domain to its earlier rules."} if {
	input.action.name == "policy.rollback"
	_may_rescue(input.subject)
}

_may_rescue(subject) if lib.is_admin(subject)

_may_rescue(subject) if lib.is_platform_steward(subject)
