# expect: engine.error
package souk.domains.mallory

import rego.v2

allow contains {"code": "x", "message": sprintf("%*d", [1000000000, input.v])} if true
