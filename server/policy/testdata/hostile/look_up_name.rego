# expect: compile undefined function
package souk.domains.mallory

import rego.v2

allow contains {"code": "x", "message": "x"} if count(net.lookup_ip_addr("example.com")) > 0
