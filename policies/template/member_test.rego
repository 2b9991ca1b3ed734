package souk.template_test

import data.souk.template
import rego.v2

test_members_and_owners_read if {
	"read.member" in codes(template.allow) with input as ask(abe, "data.read", orders)
	owned := object.union(orders, {"owner": "prn_bo"})
	"read.member" in codes(template.allow) with input as ask(bo, "data.read", owned)
	not "read.member" in codes(template.allow) with input as ask(bo, "data.read", orders)
	not "read.member" in codes(template.allow) with input as ask(cy, "data.read", orders)
}
