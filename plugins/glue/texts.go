package glue

import (
	"errors"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// tags are names and values as one text each.
func tags(all map[string]string) []string {
	var out []string
	for name, value := range all {
		out = append(out, strings.TrimSuffix(name+":"+value, ":"))
	}
	slices.Sort(out)
	return out
}

func asError(err error) (*sdk.Error, bool) { return errors.AsType[*sdk.Error](err) }
