# expect: compile undefined function
package souk.domains.mallory

import rego.v2

allow contains {"code": "x", "message": strings.render_template("{{range .a}}x{{end}}", {"a": [1]})} if true
