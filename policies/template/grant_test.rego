package souk.template_test

import data.souk.template
import rego.v2

_granted(until) := {"facts": {"grants": [{"id": "grt_1", "product": "dpr_orders", "purpose": "x", "until": until}]}}

test_holders_read_until_the_end if {
	question := ask(bo, "data.read", orders)
	"read.grant" in codes(template.allow) with input as object.union(question, _granted("2026-05-04T12:00:00.001Z"))
	not "read.grant" in codes(template.allow) with input as object.union(question, _granted("2026-05-04T12:00:00.000Z"))
}
