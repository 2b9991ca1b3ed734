# expect: engine.invalid_output
package souk.domains.mallory

import rego.v2

allow contains {"code": "x", "message": "x"} if true

approvals contains {"role": "mallory"} if true
