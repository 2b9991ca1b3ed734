package souk.domains.sales

import rego.v2

allow contains {"code": "sales.foreign", "message": "Marketing says so."} if {
	input.action.name == "data.read"
	count(data.souk.domains.marketing.allow) > 0
}
