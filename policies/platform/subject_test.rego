package souk.platform_test

import data.souk.platform
import rego.v2

test_unknown_subject_is_refused if {
	"subject.unknown" in codes(platform.deny) with input as ask(object.union(ana, {"id": ""}), "metadata.view", orders)
}

test_suspended_subject_is_refused_even_looking if {
	suspended := object.union(cy, {"suspended": true})
	codes(platform.deny) == {"subject.suspended"} with input as ask(suspended, "metadata.view", orders)
}

test_nobody_else_is_refused if {
	count(platform.deny) == 0 with input as ask(bo, "metadata.view", orders)
}
