# expect: compile bring a schema along
# METADATA
# schemas:
#   - input: {"type": "object"}
package souk.domains.mallory

import rego.v2

allow contains {"code": "mallory.in", "message": "In."} if input.subjct.admin
