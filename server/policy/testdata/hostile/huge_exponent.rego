# expect: compile number too big
package souk.domains.mallory

import rego.v2

allow contains {"code": "x", "message": "x"} if input.v + 1e999999999 > 0
