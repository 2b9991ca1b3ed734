package sandbox

import (
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// capabilityVersion is part of every revision: raise it when the list changes.
const capabilityVersion = "1"

// allowed lists the built-in functions of policies. Whatever is missing is
// refused, so that an upgrade of the engine adds nothing by itself. Left out
// are those that look at the world (time.now_ns, rand, http, net, opa.runtime),
// that cannot be interrupted (bits.lsh, graph.*, strings.render_template,
// regex.globs_match), that turn a small value into a huge one (json.marshal,
// numbers.range, units) and that policies have no use for (crypto, yaml, jwt).
const allowed = `
abs all and any array.concat array.reverse array.slice assign
ceil concat contains count div endswith eq equal floor format_int glob.match glob.quote_meta
gt gte indexof internal.member_2 internal.member_3 internal.print internal.template_string intersection
is_array is_boolean is_null is_number is_object is_set is_string
lower lt lte max min minus mul neq net.cidr_contains
object.filter object.get object.keys object.remove object.subset object.union or plus print product
regex.is_valid regex.match rem replace round semver.compare semver.is_valid set_diff sort split sprintf
startswith strings.any_prefix_match strings.any_suffix_match strings.count substring sum
time.add_date time.clock time.date time.diff time.parse_duration_ns time.parse_rfc3339_ns time.weekday
to_number trim trim_left trim_prefix trim_right trim_space trim_suffix type_name union upper
`

// allowedInTests is what tests may call besides.
const allowedInTests = `internal.test_case numbers.range`

// AllowedNames are the functions that rules may call, one by one.
var AllowedNames = strings.Fields(allowed)

// Capabilities narrows what this version of the engine can do. AllowNet is
// empty, not nil: nil would let schemas be fetched from anywhere.
func Capabilities(tests bool) *ast.Capabilities {
	names := strings.Fields(allowed)
	if tests {
		names = append(names, strings.Fields(allowedInTests)...)
	}
	c := ast.CapabilitiesForThisVersion()
	c.AllowNet = []string{}
	c.Builtins = slices.DeleteFunc(c.Builtins, func(b *ast.Builtin) bool { return !slices.Contains(names, b.Name) })
	for _, name := range Metered { // the compiler puts these in; the pin keeps authors from naming them
		c.Builtins = append(c.Builtins, &ast.Builtin{Name: MeteredPrefix + name, Decl: ast.BuiltinMap[name].Decl})
	}
	return c
}
