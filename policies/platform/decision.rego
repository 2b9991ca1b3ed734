package souk.platform

import data.souk.lib
import rego.v2

# METADATA
# title: Own decisions
# description: Everybody may read, and have explained, what was decided about their own questions.
allow contains {"code": "decision.own", "message": "The decision answered your own question."} if {
	input.action.name in {"audit.read", "decision.explain"}
	input.resource.type == "decision"
	input.resource.requester == input.subject.id
}

# METADATA
# title: Decisions explained to stewards
# description: A steward may ask why the rules of the domain decided as they did; an administrator may ask everywhere.
allow contains {"code": "decision.steward", "message": "You answer for the rules that decided."} if {
	input.action.name == "decision.explain"
	_answers_for(input.subject, input.resource)
}

# METADATA
# title: Decisions explained to owners
# description: Whoever owns what was asked for may ask why it was given, or was not.
allow contains {"code": "decision.owner", "message": "You own what the decision was about."} if {
	input.action.name == "decision.explain"
	input.resource.domain != ""
	lib.is_owner(input.subject, input.resource)
}

_answers_for(subject, resource) if lib.is_steward(subject, resource.domain)

_answers_for(subject, _) if lib.is_admin(subject)
