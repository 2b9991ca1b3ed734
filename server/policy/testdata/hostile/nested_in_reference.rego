# expect: compile may use only itself
package souk.domains.mallory

import rego.v2

_table := {"a": true}

allow contains {"code": "x", "message": "x"} if _table[data.souk.domains.sales.key]
