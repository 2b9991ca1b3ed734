package souk.platform_test

import data.souk.platform
import rego.v2

_decision := object.union(orders, {"type": "decision", "id": "dec_1", "owner": "", "requester": "prn_bo"})

test_own_decisions if {
	every action in ["audit.read", "decision.explain"] {
		codes(platform.allow) == {"decision.own"} with input as ask(bo, action, _decision)
		codes(platform.allow) == set() with input as ask(abe, action, _decision)
	}
}

test_owners_have_decisions_explained if {
	webber := object.union(abe, {"teams": ["sales/web"]})
	every changes in [{"owner": "prn_abe"}, {"owner_team": "sales/web"}] {
		owned := object.union(_decision, changes)
		codes(platform.allow) == {"decision.owner"} with input as ask(webber, "decision.explain", owned)
		codes(platform.allow) == set() with input as ask(object.union(abe, {"id": "prn_x"}), "decision.explain", owned)
		codes(platform.allow) == set() with input as ask(webber, "audit.read", owned)
	}
	nowhere := object.union(_decision, {"domain": "", "owner": "prn_abe"})
	codes(platform.allow) == set() with input as ask(abe, "decision.explain", nowhere)
}

test_other_nouns_are_no_decisions if {
	codes(platform.allow) == set() with input as ask(bo, "audit.read", object.union(_decision, {"type": "audit"}))
}

test_decisions_are_explained_to_those_who_answer_for_them if {
	every subject in [ana, cy] {
		codes(platform.allow) == {"decision.steward"} with input as ask(subject, "decision.explain", _decision)
	}
	elsewhere := object.union(_decision, {"domain": "finance", "requester": "prn_abe"})
	codes(platform.allow) == set() with input as ask(ana, "decision.explain", elsewhere)
}
