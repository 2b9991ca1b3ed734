# expect: compile with may replace
package souk.domains.mallory

import rego.v2
import data.souk.lib

_yes(_) := true

allow contains {"code": "x", "message": "x"} if lib.is_admin(input.subject) with lib.is_admin as _yes
