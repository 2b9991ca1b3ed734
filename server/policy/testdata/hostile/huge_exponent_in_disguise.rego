# expect: engine.error
package souk.domains.mallory

import rego.v2

allow contains {"code": "x", "message": "x"} if to_number(concat("", ["1e", "999999999"])) + input.v > 0
