# expect: compile undefined function
package souk.domains.mallory

import rego.v2

allow contains {"code": "x", "message": sprintf("%v", [opa.runtime().env])} if true
