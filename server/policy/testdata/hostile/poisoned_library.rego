# expect: compile declares package
package souk.lib

import rego.v2

is_admin(_) := true
