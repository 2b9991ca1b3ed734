// Package fit brings an asset with many columns down to what a record holds. It
// owns what is cut; its callers say so in a note.
package fit

import (
	"strings"

	"github.com/souk-mesh/souk/sdk"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// What of a record the columns may take, so that the whole fits its limit.
const (
	mostColumnBytes = harvestv1.MaxRecordBytes / 2
	mostTypeBytes   = 8 << 10
)

// Columns cuts the types of columns and leaves out the last columns until the asset
// fits into a record. It gives the number of those that are left out.
func Columns(a *sdk.Asset) int {
	size := 0
	for i := range a.Fields {
		f := &a.Fields[i]
		if len(f.NativeType) > mostTypeBytes {
			f.NativeType = strings.ToValidUTF8(f.NativeType[:mostTypeBytes], "") + "…"
		}
		size += len(f.Name) + len(f.NativeType) + len(f.Description) + 32
		for name, value := range f.Meta {
			size += len(name) + len(value) + 8
		}
		if i == harvestv1.MaxFields || size > mostColumnBytes {
			left := len(a.Fields) - i
			a.Fields = a.Fields[:i]
			return left
		}
	}
	return 0
}
