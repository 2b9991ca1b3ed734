package souk.platform

import rego.v2

# METADATA
# title: Own deeds
# description: Everybody may read in the audit feed what they have done themselves.
allow contains {"code": "event.own", "message": "It is your own deed."} if {
	input.action.name == "audit.read"
	input.resource.type == "event"
	input.resource.requester == input.subject.id
}
