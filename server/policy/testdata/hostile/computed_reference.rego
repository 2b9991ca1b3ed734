# expect: compile may use only itself
package souk.domains.mallory

import rego.v2

allow contains {"code": "x", "message": "x"} if data[concat("", ["so", "uk"])].domains.sales.secret
