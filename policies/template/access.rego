# METADATA
# title: The rules of a domain that has written none
# description: |
#   Every domain lives by this package until it puts one of its own in force.
#   Members look around, stewards publish, data is read by members and by
#   holders of a grant, and a grant takes a steward's word. To start a package
#   of your own, copy these files to domains/NAME and change the package line.
package souk.template

import rego.v2

# METADATA
# title: Public data
# description: Everybody who is signed in reads public data; no request is needed.
allow contains {"code": "read.public", "message": "The data is public."} if {
	input.action.name == "data.read"
	input.resource.classification == "PUBLIC"
}
