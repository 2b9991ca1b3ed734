# expect: compile with may replace
package souk.domains.mallory

import rego.v2

_secret if data.souk.domains.mallory.own with data.souk.domains.mallory.own as true

own := false

allow contains {"code": "x", "message": "x"} if _secret
