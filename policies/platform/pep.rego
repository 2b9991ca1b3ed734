package souk.platform

import data.souk.lib
import rego.v2

# METADATA
# title: Enforcement points
# description: |
#   A service that enforces decisions asks for them, about whoever stands at its
#   door. Administrators may ask too, to see what an application would be told.
allow contains {"code": "decision.pep", "message": "You enforce decisions for others."} if {
	input.action.name == "decision.evaluate"
	_may_ask(input.subject)
}

_may_ask(subject) if _is_pep(subject)

_may_ask(subject) if lib.is_admin(subject)

_is_pep(subject) if {
	subject.type == "service"
	some role in {"PEP", "TRUSTED_PEP"}
	role in subject.roles
}

# METADATA
# title: Own questions
# description: Everybody may ask what they may do themselves.
allow contains {"code": "decision.self", "message": "You ask about yourself."} if {
	input.action.name == "decision.evaluate"
	input.resource.requester == input.subject.id
}

# METADATA
# title: Vouching
# description: |
#   Attributes that a caller states count only where the server knows none,
#   unless the caller is trusted to know better.
allow contains {"code": "decision.trusted", "message": "Your word on attributes counts."} if {
	input.action.name == "decision.vouch"
	input.subject.type == "service"
	"TRUSTED_PEP" in input.subject.roles
}
