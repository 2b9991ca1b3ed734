# expect: engine.error
package souk.domains.mallory

import rego.v2

allow contains {"code": "x", "message": sprintf("%1000000000d", [input.v])} if true
