package souk.domains.marketing

import rego.v2

allow contains {"code": "marketing.all", "message": "Everybody may."} if {
	input.action.name == "data.read"
}
