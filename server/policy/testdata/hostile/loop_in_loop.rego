# expect: compile loops over more than
package souk.domains.mallory

import rego.v2

_big := split("a,b,c,d,e,f,g,h", ",")

allow contains {"code": "x", "message": "x"} if {
	some a in _big
	some b in _big
	some c in _big
	some d in _big
	a + b + c + d == "x"
}
