package souk.lib_test

import data.souk.lib
import rego.v2

test_rank_orders_the_classes if {
	lib.rank("PUBLIC") < lib.rank("INTERNAL")
	lib.rank("INTERNAL") < lib.rank("CONFIDENTIAL")
	lib.rank("CONFIDENTIAL") < lib.rank("RESTRICTED")
}

test_unclassified_is_internal if lib.rank("") == lib.rank("INTERNAL")

test_unknown_word_is_most_harmful if lib.rank("secret") == lib.rank("RESTRICTED")

test_cleared if {
	lib.is_cleared({"clearance": "CONFIDENTIAL"}, "CONFIDENTIAL")
	lib.is_cleared({"clearance": "CONFIDENTIAL"}, "PUBLIC")
	not lib.is_cleared({"clearance": "CONFIDENTIAL"}, "RESTRICTED")
}

test_no_clearance_reaches_internal if {
	lib.is_cleared({"clearance": ""}, "INTERNAL")
	not lib.is_cleared({"clearance": ""}, "CONFIDENTIAL")
}

test_unknown_clearance_reaches_public_only if {
	lib.is_cleared({"clearance": "cosmic"}, "PUBLIC")
	not lib.is_cleared({"clearance": "cosmic"}, "INTERNAL")
}

test_sensitive if {
	lib.is_sensitive("CONFIDENTIAL")
	lib.is_sensitive("RESTRICTED")
	lib.is_sensitive("secret")
	not lib.is_sensitive("INTERNAL")
	not lib.is_sensitive("PUBLIC")
	not lib.is_sensitive("")
}
