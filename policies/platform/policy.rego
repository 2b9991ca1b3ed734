package souk.platform

import data.souk.lib
import rego.v2

# METADATA
# title: Open rules
# description: Everybody may read the rules that they live under, and those that they have lived under.
allow contains {"code": "policy.open", "message": "The policies are open to everybody."} if {
	input.action.name == "policy.read"
	input.resource.status in {"", "ACTIVE", "SUPERSEDED", "ROLLED_BACK"}
}

# METADATA
# title: Drafts
# description: |
#   What is not in force yet is read by its author, by those whom it touches and
#   by those who run the platform.
allow contains {"code": "policy.draft_reader", "message": "The draft touches you, or you run the platform."} if {
	input.action.name == "policy.read"
	not input.resource.status in {"", "ACTIVE", "SUPERSEDED", "ROLLED_BACK"}
	_reads_drafts(input.subject, input.resource)
}

_reads_drafts(subject, resource) if lib.is_member(subject, resource.domain)

_reads_drafts(subject, _) if _runs_platform(subject)

_reads_drafts(subject, resource) if resource.requester == subject.id

# METADATA
# title: Writing rules
# description: |
#   Members write rules for their own domain, and whoever runs the platform
#   writes those of the platform. Drafts bind nobody.
allow contains {"code": "policy.author", "message": "You belong to those who write these rules."} if {
	input.action.name == "policy.draft"
	_may_write(input.subject, input.resource)
}

_may_write(subject, resource) if lib.is_member(subject, resource.domain)

_may_write(subject, resource) if {
	resource.domain == ""
	_runs_platform(subject)
}

# METADATA
# title: Other people's drafts
# description: A draft is changed by its author alone; what others wrote into it they could then approve.
deny contains {"code": "policy.not_author", "message": "Only its author changes a draft."} if {
	input.action.name == "policy.draft"
	not input.resource.requester in {"", input.subject.id}
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
# title: Putting the platform's rules in force
# description: The platform's own rules have no domain whose steward could; its own stewards and administrators do.
allow contains {"code": "policy.platform", "message": "You answer for the platform's rules."} if {
	input.action.name == "policy.activate"
	input.resource.domain == ""
	_runs_platform(input.subject)
}

# METADATA
# title: Finding out who has to approve
# description: The server itself asks, to learn which votes a draft needs; it puts nothing in force.
allow contains {"code": "policy.system", "message": "The server asks which votes are wanted."} if {
	input.action.name == "policy.activate"
	input.subject.id == "prn_system"
}

# METADATA
# title: Taking rules back
# description: When time matters, administrators and platform stewards return a domain to its earlier rules.
allow contains {"code": "policy.rescue", "message": "You may return a domain to its earlier rules."} if {
	input.action.name == "policy.rollback"
	_runs_platform(input.subject)
}

_runs_platform(subject) if lib.is_admin(subject)

_runs_platform(subject) if lib.is_platform_steward(subject)

# METADATA
# title: The domain approves
# description: No rules of a domain come into force without the word of one of its stewards.
approvals contains lib.steward_approval(input.resource.domain) if {
	input.action.name == "policy.activate"
	input.resource.domain != ""
}

# METADATA
# title: Whoever is touched approves
# description: A domain that the rules name has a say in them, through one of its stewards.
approvals contains lib.steward_approval(domain) if {
	input.action.name == "policy.activate"
	some domain in input.facts.impact.touches
	domain != input.resource.domain
}

# METADATA
# title: The platform approves
# description: |
#   A platform steward approves whatever loosens, whatever turns more than a
#   tenth of the decisions round, and the platform's own rules. An impact that
#   nobody knows counts as the worst.
approvals contains _platform_approval(1) if {
	input.action.name == "policy.activate"
	_concerns_platform(input)
}

_concerns_platform(question) if question.resource.domain == ""

_concerns_platform(question) if question.facts.impact.loosens

_concerns_platform(question) if question.facts.impact.flip_percent > 10

_concerns_platform(question) if not question.facts.impact

# METADATA
# title: Two of the platform approve
# description: |
#   What opens confidential or restricted data takes two platform stewards, and
#   so does what loosens the platform's own rules.
approvals contains _platform_approval(2) if {
	input.action.name == "policy.activate"
	_opens_much(input)
}

_opens_much(question) if {
	question.facts.impact.loosens
	question.facts.impact.sensitive
}

_opens_much(question) if {
	question.facts.impact.loosens
	question.resource.domain == ""
}

_opens_much(question) if not question.facts.impact

_platform_approval(votes) := {"role": "platform_steward", "min": votes, "exclude_requester": true}
