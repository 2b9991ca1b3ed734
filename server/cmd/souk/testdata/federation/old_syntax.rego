package souk.domains.sales

import rego.v2

allow[reason] {
	reason := {"code": "sales.old", "message": "As in the old days."}
}
