package kafka

import (
	"strconv"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/document"
	"github.com/souk-mesh/souk/sdk"
)

// Names of the fields that hold a whole key or value: a value that is a record
// has its fields at the top.
const (
	keyField   = "_key"
	valueField = "_value"
)

// describe adds what a schema says to its topic, and gives its fields.
func describe(a *sdk.Asset, b bound, count int) []*document.Field {
	prefix := string(b.role) + "_schema"
	if b.role == ofEvent {
		prefix = "event_schema"
	}
	if b.role == ofEvent && count > 1 {
		prefix += ":" + b.Subject
	}
	a.Properties[prefix] = text(b.Subject) + " version " + strconv.Itoa(b.Version) + ", id " + strconv.Itoa(b.ID)
	if b.role != ofKey {
		a.Definition = strings.TrimPrefix(a.Definition+"\n\n"+text(b.Text), "\n\n")
	}
	if b.content == nil {
		return nil
	}
	c := b.content
	clean(c.root)
	if b.role != ofKey && a.DefinitionLanguage == "" {
		a.DefinitionLanguage = c.language
		a.Description = text(c.description)
	}
	switch {
	case b.role == ofKey:
		return []*document.Field{whole(c, keyField, "key")}
	case b.role == ofEvent && count > 1 && c.name != "":
		event := whole(c, c.name, "")
		event.Nullable = true
		return []*document.Field{event}
	case len(c.root.Fields) == 0 && c.root.NativeType != "" && !isRecord(c.root.NativeType):
		return []*document.Field{whole(c, valueField, "")}
	}
	return c.root.Fields
}

// whole is the schema as one field.
func whole(c *content, name, part string) *document.Field {
	f := *c.root
	f.Name, f.Description = name, text(c.description)
	if part != "" {
		f.Meta = map[string]string{"part": part}
	}
	return &f
}

func isRecord(t string) bool { return t == "record" || t == "object" || t == "message" }

// clean makes all texts UTF-8; a schema is what a client has sent.
func clean(f *document.Field) {
	f.Name, f.NativeType, f.Description, f.Default = text(f.Name), text(f.NativeType), text(f.Description), text(f.Default)
	for _, list := range [][]string{f.Values, f.Tags} {
		for i := range list {
			list[i] = text(list[i])
		}
	}
	for _, below := range f.Fields {
		clean(below)
	}
}
