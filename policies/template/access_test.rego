package souk.template_test

import data.souk.template
import rego.v2

_public := object.union(orders, {"classification": "PUBLIC"})

test_everybody_reads_public_data if {
	codes(template.allow) == {"read.public"} with input as ask(bo, "data.read", _public)
}
