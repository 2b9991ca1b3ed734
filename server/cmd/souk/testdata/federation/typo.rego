package souk.domains.sales

import rego.v2

allow contains {"code": "sales.typo", "message": "You belong to us."} if {
	input.action.name == "data.read"
	input.subjct.domain == "sales"
}
