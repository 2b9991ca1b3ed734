package souk.lib_test

import data.souk.lib
import rego.v2

_facts := {"grants": [{"id": "grt_1", "product": "dpr_1", "purpose": "x", "until": "2026-05-04T12:00:00.000Z"}]}

test_grant_opens_its_product_until_its_end if {
	lib.has_grant(_facts, {"product": "dpr_1"}, "2026-05-04T11:59:59.999Z")
	not lib.has_grant(_facts, {"product": "dpr_1"}, "2026-05-04T12:00:00.000Z")
	not lib.has_grant(_facts, {"product": "dpr_2"}, "2026-05-04T11:00:00.000Z")
	not lib.has_grant({"grants": []}, {"product": "dpr_1"}, "2026-05-04T11:00:00.000Z")
}

test_purpose if {
	lib.has_purpose({"purpose": "billing"})
	not lib.has_purpose({"purpose": ""})
	not lib.has_purpose({"purpose": " \t\n"})
}

test_discoverable if {
	lib.is_discoverable({"visibility": "COMPANY", "status": "PUBLISHED"})
	lib.is_discoverable({"visibility": "COMPANY", "status": "RETIRED"})
	not lib.is_discoverable({"visibility": "COMPANY", "status": "DRAFT"})
	not lib.is_discoverable({"visibility": "DOMAIN", "status": "PUBLISHED"})
}

test_steward_approval_excludes_the_requester if {
	lib.steward_approval("sales") == {"role": "domain_steward", "domain": "sales", "min": 1, "exclude_requester": true}
}
