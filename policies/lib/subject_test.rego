package souk.lib_test

import data.souk.lib
import rego.v2

_ana := {"id": "prn_ana", "domain": "sales", "teams": ["orders"], "steward_of": ["sales"], "roles": ["EMPLOYEE"]}

_root := {"id": "prn_root", "domain": "", "teams": [], "steward_of": [], "roles": ["ADMIN", "STEWARD"]}

test_admin if {
	lib.is_admin(_root)
	not lib.is_admin(_ana)
}

test_platform_steward if {
	lib.is_platform_steward(_root)
	not lib.is_platform_steward(_ana)
}

test_steward_of_own_domain_only if {
	lib.is_steward(_ana, "sales")
	not lib.is_steward(_ana, "marketing")
}

test_nobody_is_steward_of_no_domain if not lib.is_steward(object.union(_ana, {"steward_of": [""]}), "")

test_member if {
	lib.is_member(object.union(_ana, {"steward_of": []}), "sales")
	not lib.is_member(_ana, "marketing")
	not lib.is_member(_root, "")
}

test_steward_from_elsewhere_is_member if lib.is_member(object.union(_ana, {"domain": "finance"}), "sales")

test_owner if {
	lib.is_owner(_ana, {"owner": "prn_ana", "owner_team": ""})
	not lib.is_owner(_ana, {"owner": "prn_bo", "owner_team": ""})
	not lib.is_owner(object.union(_ana, {"id": ""}), {"owner": "", "owner_team": ""})
}

test_owner_by_team if {
	lib.is_owner(_ana, {"owner": "prn_bo", "owner_team": "orders"})
	not lib.is_owner(object.union(_ana, {"teams": [""]}), {"owner": "prn_bo", "owner_team": ""})
}

test_insider if {
	lib.is_insider(_ana, {"domain": "sales", "owner": "", "owner_team": ""})
	lib.is_insider(_ana, {"domain": "marketing", "owner": "prn_ana", "owner_team": ""})
	lib.is_insider(_root, {"domain": "marketing", "owner": "", "owner_team": ""})
	not lib.is_insider(_ana, {"domain": "marketing", "owner": "", "owner_team": ""})
}
