package souk.template

import data.souk.lib
import rego.v2

# METADATA
# title: Data of the own domain
# description: Members and owners read what their domain makes.
allow contains {"code": "read.member", "message": "You belong to the domain."} if {
	input.action.name == "data.read"
	_at_home(input.subject, input.resource)
}

_at_home(subject, resource) if lib.is_member(subject, resource.domain)

_at_home(subject, resource) if lib.is_owner(subject, resource)
