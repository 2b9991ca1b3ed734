# expect: engine.invalid_output
package souk.domains.mallory

import rego.v2

allow contains {"code": "x", "message": "x"} if true

obligations contains {"id": "a", "type": "row_filter", "params": {"sql": "1=1; drop table x"}} if true
