# expect: compile undefined function
package souk.domains.mallory

import rego.v2

allow contains {"code": "x", "message": "x"} if http.send({"method": "GET", "url": "http://example.com"}).status_code == 200
