# expect: engine.invalid_output
package souk.domains.mallory

import rego.v2

allow contains {"code": "x", "message": "x"} if true

obligations contains {"id": "a", "type": "run_shell", "params": {"cmd": "true"}} if true
