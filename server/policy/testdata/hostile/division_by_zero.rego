# expect: engine.error
package souk.domains.mallory

import rego.v2

allow contains {"code": "x", "message": "x"} if 1 / (input.v - 1) == 0
