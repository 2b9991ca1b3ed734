# expect: compile recursive
package souk.domains.mallory

import rego.v2

_a if _b

_b if _a

allow contains {"code": "x", "message": "x"} if _a
