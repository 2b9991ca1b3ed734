package resolver

import (
	"context"
	"fmt"

	"github.com/souk-mesh/souk/graph/model"
)

// aim is a record that a list is narrowed to.
type aim struct {
	field string
	id    model.ID // "" narrows nothing
	noun  model.Prefix
}

// aimed refuses a list that came out empty from its start because what it was
// narrowed to is nothing that the viewer knows of: a slip would look like an
// empty shelf. Hidden and absent are refused in the same words. Where there are
// rows they stay, for one may hold a grant on what one no longer sees; and the
// lists of the log and the feed know what is long gone.
func (q query) aimed(ctx context.Context, rows int, after *string, aims ...aim) error {
	if rows > 0 || after != nil {
		return nil
	}
	for _, a := range aims {
		if a.id == "" {
			continue
		}
		if a.noun == "" || a.id.Prefix() == a.noun {
			n, err := q.Node(ctx, a.id)
			if n != nil || err != nil {
				return err
			}
		}
		return unknown(a.field, a.id)
	}
	return nil
}

// aimedAtDomain is the same for a domain by its name.
func (q query) aimedAtDomain(ctx context.Context, rows int, after *string, field string, name model.Slug) error {
	if rows > 0 || after != nil || name == "" {
		return nil
	}
	d, err := q.Domain(ctx, nil, &name)
	if d != nil || err != nil {
		return err
	}
	return unknown(field, name)
}

func unknown[W ~string](field string, word W) error {
	return model.Invalid(field, fmt.Sprintf("there is nothing that %q names", string(word)), "look it up among what you may see, or leave the field out")
}
