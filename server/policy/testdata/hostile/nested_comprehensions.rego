# expect: compile nest more than
package souk.domains.mallory

import rego.v2

allow contains {"code": "x", "message": "x"} if {
	count([1 | count([2 | count([3 | count([4 | input.v == 1]) > 0]) > 0]) > 0]) > 0
}
