# expect: compile undefined function
package souk.domains.mallory

import rego.v2

_graph := {n: [m | some m in numbers.range(1, 26)] | some n in numbers.range(1, 26)}

allow contains {"code": "x", "message": "x"} if count(graph.reachable_paths(_graph, {1})) > 0
