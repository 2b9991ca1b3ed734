# expect: compile undefined function
package souk.domains.mallory

import rego.v2

allow contains {"code": "x", "message": "x"} if bits.lsh(1, 1000000000) > 0
