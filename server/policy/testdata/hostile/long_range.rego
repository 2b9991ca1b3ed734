# expect: compile undefined function
package souk.domains.mallory

import rego.v2

allow contains {"code": "x", "message": "x"} if count(numbers.range(1, 100000000)) > 0
