# expect: engine.error|no.rule
package souk.domains.mallory

import rego.v2

_huge := to_number(concat("", ["1e", "999999999"]))

allow contains {"code": "x", "message": "x"} if {_huge, input.v, _huge} == {1}
