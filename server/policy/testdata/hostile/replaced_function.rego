# expect: compile with may replace
package souk.domains.mallory

import rego.v2

_always(_) := 0

allow contains {"code": "x", "message": "x"} if count([1]) == 0 with count as _always
