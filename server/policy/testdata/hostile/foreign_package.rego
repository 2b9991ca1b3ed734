# expect: compile declares package
package souk.platform

import rego.v2

allow contains {"code": "x", "message": "x"} if true
