package mesh

import (
	"fmt"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
)

// titleOf makes a name to show of a slug: customer_orders is Customer orders.
func titleOf(name model.Slug) string {
	words := strings.ReplaceAll(string(name), "_", " ")
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:]
}

func checkTitle(text string) error {
	return model.Text{Field: "displayName", Least: 1, Most: 200}.Check(text)
}

func checkProse(field, text string) error {
	return model.Text{Field: field, Most: 10_000, Prose: true}.Check(text)
}

// expect reports that the record is no longer the one that the sender has seen.
func expect(want *model.Revision, is model.Meta, noun string) error {
	if want == nil || *want == is.Revision {
		return nil
	}
	return model.Stale("expectedVersion", fmt.Sprintf("the %s was changed by somebody else: you read version %d, now it is %d", noun, *want, is.Revision),
		"read it again and repeat your change")
}

func set[T any](field, to *T) {
	if to != nil {
		*field = *to
	}
}
