package souk.domains.sales

import rego.v2

allow contains {"code": "sales.circle", "message": "Because it is so."} if {
	input.action.name == "data.read"
	_because
}

_because if _it_is_so

_it_is_so if _because
