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
