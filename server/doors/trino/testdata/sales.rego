# METADATA
# title: Rules that a query engine must carry out
# description: Employees read orders of their own region, with masks; analysts need what no query engine can do.
package souk.domains.sales

import data.souk.lib
import rego.v2

# METADATA
# title: Reading
# description: Whoever is somebody reads.
allow contains {"code": "orders.read", "message": "You may read orders."} if {
	input.action.name == "data.read"
	input.subject.name != "eve"
}

# METADATA
# title: Grants
# description: Holders of a grant read, whoever they are.
allow contains {"code": "orders.grant", "message": "You hold a grant."} if {
	input.action.name == "data.read"
	lib.has_grant(input.facts, input.resource, input.context.now)
}

obligations contains {"id": "region", "type": "row_filter", "params": {"field": "region", "op": "eq", "value": "it's \"EU\""}} if input.subject.name == "ana"

obligations contains {"id": "size", "type": "row_filter", "params": {"field": "orders.amount", "op": "lt", "value": 1000}} if input.subject.name == "ana"

obligations contains {"id": "foreign", "type": "row_filter", "params": {"field": "customers.id", "op": "eq", "value": "1"}} if input.subject.name == "ana"

obligations contains {"id": "email", "type": "mask", "params": {"field": "Email", "with": "hash"}} if input.subject.name == "ana"

obligations contains {"id": "mail", "type": "mask", "params": {"field": "public.orders.email", "with": "partial"}} if input.subject.name == "ana"

obligations contains {"id": "phone", "type": "mask", "params": {"field": "phone", "with": "partial"}} if input.subject.name == "ana"

obligations contains {"id": "amount", "type": "mask", "params": {"field": "amount", "with": "partial"}} if input.subject.name == "ana"

obligations contains {"id": "attack", "type": "row_filter", "params": {"field": "x\" = \"x\" OR 1=1 --", "op": "eq", "value": "' OR true --"}} if input.subject.name == "mallory"

obligations contains {"id": "number", "type": "row_filter", "params": {"field": "amount", "op": "eq", "value": "1 OR true"}} if input.subject.name == "mallory"

obligations contains {"id": "stay", "type": "no_export"} if input.subject.name == "bo"
