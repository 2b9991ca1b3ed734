# expect: compile data as a whole|may use only itself
package souk.domains.mallory

import rego.v2

allow contains {"code": "x", "message": json} if json := sprintf("%v", [data])
