# expect: compile undefined function
package souk.domains.mallory

import rego.v2

allow contains {"code": "x", "message": "x"} if {
	walk(input, [path, _])
	count(path) > 3
}
