package souk.standards

import rego.v2

# METADATA
# title: Something to read
# description: A product without an output offers nothing.
findings contains {
	"code": "contract.output",
	"severity": "error",
	"field": "ports",
	"message": "No output port of the product carries an asset.",
	"remedy": "Add an output port and name the assets that consumers read through it.",
} if {
	input.type == "data_product"
	count([port | some port in _outputs; count(port.assets) > 0]) == 0
}

# METADATA
# title: No empty ports
# description: A port that carries nothing is a promise that nobody keeps.
findings contains {
	"code": "contract.empty_port",
	"severity": "warning",
	"field": sprintf("ports.%s", [port.name]),
	"message": sprintf("The output port %q carries no asset.", [port.name]),
	"remedy": "Name its assets, or take the port away.",
} if {
	some port in _outputs
	count(port.assets) == 0
}

# METADATA
# title: Described ports
# description: Whoever chooses between two ports has only their descriptions.
findings contains {
	"code": "contract.port_description",
	"severity": "warning",
	"field": sprintf("ports.%s", [port.name]),
	"message": sprintf("The output port %q has no description.", [port.name]),
	"remedy": "Say what the port is for, and how it differs from the others.",
} if {
	some port in _outputs
	trim_space(port.description) == ""
}

# METADATA
# title: Described fields
# description: Consumers build on what each of the fields means.
findings contains {
	"code": "contract.fields",
	"severity": "warning",
	"field": sprintf("ports.%s", [port.name]),
	"message": sprintf("Of the %d fields behind the output port %q, %d have a description.", [
		fields, port.name, described,
	]),
	"remedy": "Describe them where they are made (comments in the database, dbt's schema files) and harvest again.",
} if {
	some port in _outputs
	fields := sum([asset.field_count | some asset in port.assets])
	described := sum([asset.fields_described | some asset in port.assets])
	described < fields
}

# METADATA
# title: Known fields
# description: An asset whose fields nobody has harvested cannot be relied upon.
findings contains {
	"code": "contract.unknown_fields",
	"severity": "warning",
	"field": sprintf("ports.%s", [port.name]),
	"message": sprintf("Behind the output port %q lies an asset whose fields are not known.", [port.name]),
	"remedy": "Harvest the system that holds the asset.",
} if {
	some port in _outputs
	some asset in port.assets
	asset.field_count == 0
}

# METADATA
# title: Nothing that is gone
# description: A retired asset is in no source any more.
findings contains {
	"code": "contract.retired",
	"severity": "error",
	"field": sprintf("ports.%s", [port.name]),
	"message": sprintf("Behind the output port %q lies an asset that no source shows any more.", [port.name]),
	"remedy": "Take the asset out of the port, or harvest the source that holds it.",
} if {
	some port in _outputs
	some asset in port.assets
	asset.status == "RETIRED"
}

_outputs contains port if {
	some port in input.product.ports
	port.direction == "OUTPUT"
}
