# expect: compile may use only itself
package souk.domains.mallory

import rego.v2

allow contains {"code": "x", "message": "x"} if {
	some name
	data.souk.domains[name].secret
}
