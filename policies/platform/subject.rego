# METADATA
# title: Guardrails of the platform
# description: |
#   What holds for every domain. A domain can add to these denials and never
#   lift one. The allows here are for what keeps the mesh itself running; data
#   and products are the owning domain's alone to give.
package souk.platform

import rego.v2

# METADATA
# title: Unknown subject
# description: Whoever has no name has no rights.
deny contains {"code": "subject.unknown", "message": "Nobody is signed in."} if {
	input.subject.id == ""
}

# METADATA
# title: Suspended subject
# description: A suspended principal is refused everything, even looking.
deny contains {"code": "subject.suspended", "message": "This principal is suspended."} if {
	input.subject.suspended == true
}
