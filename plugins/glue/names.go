package glue

import (
	"strings"

	access "github.com/souk-mesh/souk/plugins/internal/aws"
	"github.com/souk-mesh/souk/plugins/internal/dataset"
	"github.com/souk-mesh/souk/sdk"
)

// names gives the coordinates of things, which are parts of their ARN as
// OpenLineage cuts it: arn:aws:glue:REGION:ACCOUNT and table/DATABASE/TABLE.
type names struct {
	region  string
	account string
	path    string // of a catalog that is held in another
}

func (n names) id(kind string, parts ...string) sdk.NativeID {
	all := []string{kind}
	if n.path != "" && (kind == "database" || kind == "table") {
		all = append(all, n.path)
	}
	for _, p := range parts {
		all = append(all, part(p))
	}
	return sdk.NativeID{Namespace: "arn:aws:glue:" + n.region + ":" + n.account, Name: strings.Join(all, "/")}
}

// part is a name as a part of another. One with a slash is written so that it
// stays one part.
func part(name string) string {
	if !strings.Contains(name, "/") && !strings.Contains(strings.ToUpper(name), "%2F") {
		return name
	}
	return strings.NewReplacer("%", "%25", "/", "%2F").Replace(name)
}

// resource is the ARN under which the service keeps the tags of a thing.
func (n names) resource(kind, name string) string {
	return "arn:" + access.Partition(n.region) + ":glue:" + n.region + ":" + n.account + ":" + kind + "/" + name
}

// within gives the names of the catalog with the id, which is an account or
// ACCOUNT:CATALOG; those of the same catalog where it is empty.
func (n names) within(catalog, region string) names {
	if region != "" {
		n.region = region
	}
	if catalog == "" {
		return n
	}
	n.account, n.path, _ = strings.Cut(catalog, ":")
	n.path = strings.Trim(n.path, "/")
	return n
}

// fromARN reads the ARN of a table, as a view names what it is made of.
func fromARN(arn string) (sdk.NativeID, bool) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[2] != "glue" || !strings.HasPrefix(parts[5], "table/") {
		return sdk.NativeID{}, false
	}
	return sdk.NativeID{Namespace: "arn:aws:glue:" + parts[3] + ":" + parts[4], Name: parts[5]}, true
}

// reference names what another system holds.
func reference(d dataset.Dataset, scope string) *sdk.Asset {
	return &sdk.Asset{ID: d.ID, Scope: scope, Kind: d.Kind, Rank: sdk.Reference, Reference: true, ShortName: d.Short()}
}
