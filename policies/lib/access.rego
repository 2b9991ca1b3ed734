package souk.lib

import rego.v2

# METADATA
# title: Live grant
# description: |
#   Whether one of the grants opens the resource at the time. Times are text of
#   one width in UTC, so they compare as text.
has_grant(facts, resource, now) if {
	some grant in facts.grants
	grant.product == resource.product
	grant.until > now
}

# METADATA
# title: Stated purpose
# description: Whether the purpose says anything.
has_purpose(context) if trim_space(context.purpose) != ""

# METADATA
# title: Discoverable
# description: Whether the whole company may know of the product.
is_discoverable(resource) if {
	resource.visibility == "COMPANY"
	resource.status in {"PUBLISHED", "DEPRECATED", "RETIRED"}
}

# METADATA
# title: Approval of a domain
# description: One steward of the domain must approve, and never the one who asks.
steward_approval(domain) := {"role": "domain_steward", "domain": domain, "min": 1, "exclude_requester": true}
