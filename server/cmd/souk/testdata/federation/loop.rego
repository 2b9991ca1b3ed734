package souk.domains.sales

import rego.v2

_paces := split("................................................................................", "")

allow contains {"code": "sales.loop", "message": "Found after a long search."} if {
	input.action.name == "product.retire"
	some a in _paces
	some b in _paces
	some c in _paces
	concat("", [a, b, c]) == "here"
}
