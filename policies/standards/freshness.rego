package souk.standards

import rego.v2

# A week, in hours.
_week := 168

# METADATA
# title: Metadata of this week
# description: What was last seen a month ago may have changed three weeks ago.
findings contains {
	"code": "freshness.harvest",
	"severity": "warning",
	"field": sprintf("ports.%s", [port.name]),
	"message": sprintf("What lies behind the output port %q has not been harvested for a week.", [port.name]),
	"remedy": "Give the source a schedule, and see why its last runs failed.",
} if {
	some port in input.product.ports
	port.direction == "OUTPUT"
	some asset in port.assets
	_stale(asset.harvest_age_h)
}

# METADATA
# title: Assets that somebody looks at
# description: What its source lists no longer may be gone, or may have changed without a word.
findings contains {
	"code": "freshness.unlisted",
	"severity": "error",
	"field": sprintf("ports.%s", [port.name]),
	"message": sprintf("The source of %s behind the port %q lists its place no more.", [asset.name, port.name]),
	"remedy": _listed_again,
} if {
	some port in input.product.ports
	port.direction == "OUTPUT"
	some asset in port.assets
	asset.unlisted == true
}

# METADATA
# title: The same of an asset
# description: Whoever looks at the asset alone should see it too.
findings contains {
	"code": "freshness.unlisted",
	"severity": "error",
	"field": "sightings",
	"message": "Its source does not list its place any more: nobody knows whether it is still there.",
	"remedy": _listed_again,
} if {
	input.asset.unlisted == true
}

_listed_again := "Put its schema or project back into the source; if it is gone, set allowRetireAll and run the source."

# METADATA
# title: Quality that is measured
# description: A test that last ran a month ago proves nothing about today.
findings contains {
	"code": "freshness.quality",
	"severity": "warning",
	"field": sprintf("ports.%s", [port.name]),
	"message": sprintf("Quality rules behind the output port %q have not run for a week.", [port.name]),
	"remedy": "Run the tests on a schedule, and harvest their results.",
} if {
	some port in input.product.ports
	port.direction == "OUTPUT"
	some asset in port.assets
	asset.quality.rules > 0
	_stale(asset.quality.age_h)
}

# METADATA
# title: Quality that holds
# description: Consumers should hear of a failing test from the product, not from their own reports.
findings contains {
	"code": "freshness.failing",
	"severity": "warning",
	"field": sprintf("ports.%s", [port.name]),
	"message": sprintf("Quality rules behind the output port %q fail.", [port.name]),
	"remedy": "Mend the data, or the rule if it asks too much.",
} if {
	some port in input.product.ports
	port.direction == "OUTPUT"
	some asset in port.assets
	asset.quality.failing > 0
}

_stale(hours) if hours < 0

_stale(hours) if hours > _week
