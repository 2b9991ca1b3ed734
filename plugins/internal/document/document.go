// Package document makes a flat list of the fields of nested documents, such as
// those of a collection or of a message. It owns how their paths are written; it
// refuses to know where they come from.
package document

import (
	"github.com/souk-mesh/souk/sdk"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// Field is a field with those that stand below it. Its name is the last part of
// its path.
type Field struct {
	sdk.Field
	Fields []*Field
}

// Below is the path of a field below another. A name that holds a dot is quoted,
// as a part of the name of an asset is.
func Below(path, name string) string {
	part := sdk.JoinName(name)
	if part == "" {
		part = `""`
	}
	if path == "" {
		return part
	}
	return path + "." + part
}

// Flatten gives the fields with their paths, each before those below it. What is
// more than a record may have is cut, and told.
func Flatten(fields []*Field) (flat []sdk.Field, cut bool) {
	flat = flatten("", fields, nil)
	if len(flat) > harvestv1.MaxFields {
		return flat[:harvestv1.MaxFields], true
	}
	return flat, false
}

func flatten(path string, fields []*Field, into []sdk.Field) []sdk.Field {
	for _, f := range fields {
		one := f.Field
		one.Name, one.Position = Below(path, f.Name), len(into)+1
		into = flatten(one.Name, f.Fields, append(into, one))
	}
	return into
}
