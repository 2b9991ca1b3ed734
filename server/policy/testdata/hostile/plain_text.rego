# expect: engine.invalid_output
package souk.domains.mallory

import rego.v2

allow contains "yes" if true
