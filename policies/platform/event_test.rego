package souk.platform_test

import data.souk.platform
import rego.v2

_event := object.union(orders, {"type": "event", "id": "evt_1", "owner": "", "requester": "prn_bo"})

test_own_deeds if {
	codes(platform.allow) == {"event.own"} with input as ask(bo, "audit.read", _event)
	codes(platform.allow) == set() with input as ask(abe, "audit.read", _event)
	codes(platform.allow) == set() with input as ask(bo, "audit.read", object.union(_event, {"type": "audit"}))
}
