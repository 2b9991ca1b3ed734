package souk.platform

import data.souk.lib
import rego.v2

# METADATA
# title: Purpose of a request
# description: Approvers decide over a purpose, so a request must state one.
deny contains {"code": "request.purpose", "message": "An access request must state its purpose."} if {
	input.action.name == "access.request"
	not lib.has_purpose(input.context)
}

# METADATA
# title: Purpose of reading
# description: Whoever reads confidential or restricted data says what for.
deny contains {"code": "read.purpose", "message": "Reading this data needs a stated purpose."} if {
	input.action.name == "data.read"
	lib.is_sensitive(input.resource.classification)
	not lib.has_purpose(input.context)
}

# METADATA
# title: Clearance
# description: Nobody reads, or asks to read, above their clearance.
deny contains {"code": "subject.clearance", "message": message} if {
	input.action.name in {"data.read", "access.request"}
	not lib.is_cleared(input.subject, input.resource.classification)
	message := sprintf("Your clearance does not reach %s data.", [input.resource.classification])
}

# METADATA
# title: Retired product
# description: A retired product has nothing left to give.
deny contains {"code": "product.retired", "message": "The product is retired."} if {
	input.action.name in {"data.read", "access.request"}
	input.resource.type == "data_product"
	input.resource.status == "RETIRED"
}

# METADATA
# title: Product without a public life
# description: Only a published product can be asked for; a deprecated one serves those who have it.
deny contains {"code": "product.not_published", "message": "Only a published product can be requested."} if {
	input.action.name == "access.request"
	input.resource.type == "data_product"
	input.resource.status in {"DRAFT", "DEPRECATED"}
}

# METADATA
# title: Offered without consent
# description: |
#   A product that offers what another domain owns opens nothing before that
#   domain has consented, and nothing more once it has taken its consent back.
deny contains {"code": "product.unconsented", "message": message} if {
	input.action.name in {"data.read", "access.request"}
	input.resource.type == "data_product"
	input.resource.unconsented > 0
	message := "The product offers data of another domain, which has not consented."
}

# METADATA
# title: Own request
# description: Nobody approves their own request, whatever roles they hold.
deny contains {"code": "request.own", "message": "Nobody may approve their own request."} if {
	input.action.name == "request.approve"
	input.resource.requester == input.subject.id
}

# METADATA
# title: No approving role
# description: Only a holder of a role that policies can name votes on a request.
deny contains {"code": "approver.no_role", "message": "You hold no role that decides over this request."} if {
	input.action.name in {"request.approve", "request.reject"}
	count(input.facts.roles_held) == 0
}

# METADATA
# title: Approval for sensitive data
# description: Confidential and restricted data need the word of a steward of the owning domain.
approvals contains lib.steward_approval(input.resource.domain) if {
	input.action.name == "access.request"
	lib.is_sensitive(input.resource.classification)
}

# METADATA
# title: Approval for restricted data
# description: Restricted data need the word of a platform steward as well.
approvals contains {"role": "platform_steward", "min": 1, "exclude_requester": true} if {
	input.action.name == "access.request"
	lib.rank(input.resource.classification) >= 3
}

# METADATA
# title: Trace
# description: Reading sensitive data leaves a trace at whoever serves it.
obligations contains {"id": "platform.log", "type": "log", "mandatory": true} if {
	input.action.name == "data.read"
	lib.is_sensitive(input.resource.classification)
}

# METADATA
# title: No export
# description: Restricted data stays where it is.
obligations contains {"id": "platform.no_export", "type": "no_export", "mandatory": true} if {
	input.action.name == "data.read"
	lib.rank(input.resource.classification) >= 3
}

# METADATA
# title: Longest grant
# description: The more harmful the data, the sooner its grants are looked at again.
obligations contains {"id": "platform.ttl", "type": "ttl_max", "params": {"duration_s": seconds}} if {
	input.action.name == "access.request"
	seconds := _longest_grant[lib.rank(input.resource.classification)]
}

# A leap year, half a year, and ninety days.
_longest_grant := [366 * 86400, 366 * 86400, 183 * 86400, 90 * 86400]
