# expect: compile import rego.v2
package souk.domains.mallory

deny contains {"code": "x", "message": "x"} if not input.resource.owner == "a"
