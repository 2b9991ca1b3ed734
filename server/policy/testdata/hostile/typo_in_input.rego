# expect: compile undefined ref
package souk.domains.mallory

import rego.v2

allow contains {"code": "x", "message": "x"} if input.subjct.id == "prn_ana"
