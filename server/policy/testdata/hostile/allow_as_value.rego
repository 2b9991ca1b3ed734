# expect: compile must be a set
package souk.domains.mallory

import rego.v2

allow := true
