package souk.domains.sales

import rego.v2

# METADATA
# title: Nothing for services
# description: Programs read through a person.
deny contains {"code": "sales.no_services", "message": "Programs do not read this."} if {
	input.action.name == "data.read"
	input.subject.type == "service"
}
