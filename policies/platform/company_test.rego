# METADATA
# title: The company of the tests
# description: |
#   Ana is a steward of sales and owns its orders, Abe is a member of sales, Bo
#   belongs to marketing, Cy administers the platform and is a platform steward.
package souk.platform_test

import rego.v2

ana := {
	"type": "person", "id": "prn_ana", "name": "ana@sales", "domain": "sales", "teams": [], "steward_of": ["sales"],
	"roles": ["EMPLOYEE"], "clearance": "CONFIDENTIAL", "suspended": false,
}

abe := object.union(ana, {"id": "prn_abe", "name": "abe@sales", "steward_of": []})

bo := object.union(ana, {"id": "prn_bo", "name": "bo@marketing", "domain": "marketing", "steward_of": ["marketing"]})

cy := object.union(ana, {
	"id": "prn_cy", "name": "cy@operations", "domain": "operations", "steward_of": ["operations"],
	"roles": ["EMPLOYEE", "ADMIN", "STEWARD"], "clearance": "RESTRICTED",
})

orders := {
	"type": "data_product", "id": "dpr_orders", "name": "orders", "domain": "sales", "owner": "prn_ana",
	"owner_team": "", "classification": "CONFIDENTIAL", "visibility": "COMPANY", "status": "PUBLISHED", "tags": [],
	"product": "dpr_orders", "requester": "", "described": true, "has_owner": true, "exposed": false, "ports": 1,
}

# A request of Bo's for the orders.
request := object.union(orders, {"type": "access_request", "id": "acr_1", "status": "PENDING", "requester": "prn_bo"})

# ask builds the input of a question.
ask(subject, action, resource) := {
	"v": 1, "action": {"name": action}, "subject": subject, "resource": resource,
	"facts": {"grants": [], "roles_held": []},
	"context": {"now": "2026-05-04T12:00:00.000Z", "purpose": "billing", "duration_s": 86400, "channel": "graphql"},
}

codes(reasons) := {r.code | some r in reasons}
