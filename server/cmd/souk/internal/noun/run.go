package noun

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/cmd/souk/internal/remote"
)

// pageSize is how many rows a list asks for at once: the most that the server gives.
const pageSize = 200

// Input is what the caller gives an act, by the names of the schema.
type Input map[string]any

// Record is what the server gives of one record.
type Record = map[string]any

// Names replaces the names in the input by the ids that they stand for.
func (a Act) Names(ctx context.Context, c *remote.Client, input Input) error {
	for _, f := range slices.Concat(a.Arguments, a.Flags) {
		if f.Of == "" {
			continue
		}
		var err error
		switch given := input[f.Name].(type) {
		case string:
			input[f.Name], err = a.idOf(ctx, c, f, given)
		case []string:
			ids := make([]string, len(given))
			for i, name := range given {
				if ids[i], err = a.idOf(ctx, c, f, name); err != nil {
					return err
				}
			}
			input[f.Name] = ids
		}
		if err != nil {
			return err
		}
	}
	return nil
}

var anID = regexp.MustCompile(`^[a-z]{3}_[0-9a-z]{20,}$`)

// idOf finds the record of the name. What is an id already stays as it is, and
// so does what has no names to be found by.
func (a Act) idOf(ctx context.Context, c *remote.Client, f Field, name string) (string, error) {
	i := slices.IndexFunc(a.nouns, func(n Noun) bool { return n.Word == f.Of })
	n := a.nouns[i]
	query := a.schema.Query.Fields.ForName(n.Show)
	if name == "" || anID.MatchString(name) || query == nil || query.Arguments.ForName("name") == nil {
		return name, nil
	}
	declared, given, variables := "$name: "+query.Arguments.ForName("name").Type.String(), "name: $name", map[string]any{"name": name}
	if query.Arguments.ForName("domain") != nil {
		domain, own, found := strings.Cut(name, "/")
		if !found {
			return "", model.Invalid("--"+f.Flag, fmt.Sprintf("%q does not say whose %s it is", name, n.Word), "write DOMAIN/NAME, such as sales/orders, or its id")
		}
		declared, given = declared+", $domain: Slug", given+", domain: $domain"
		variables["name"], variables["domain"] = own, domain
	}
	var found *struct{ ID string }
	if err := c.Ask(ctx, n.Show, fmt.Sprintf("query(%s) { %s(%s) { id } }", declared, n.Show, given), variables, &found); err != nil {
		return "", err
	}
	if found == nil {
		return "", absent(n, name)
	}
	return found.ID, nil
}

// Send runs a mutation and gives what it answers.
func (a Act) Send(ctx context.Context, c *remote.Client, input Input) (Record, error) {
	var answer Record
	if err := c.Change(ctx, a.field.Name, a.payload(), input, &answer); err != nil {
		return nil, err
	}
	delete(answer, "userErrors")
	return answer, nil
}

// Find gives one record.
func (a Act) Find(ctx context.Context, c *remote.Client, id string) (Record, error) {
	var found Record
	if err := c.Ask(ctx, a.field.Name, a.finding(), map[string]any{"id": id}, &found); err != nil {
		return nil, err
	}
	if found == nil {
		return nil, absent(a.Noun, id)
	}
	return found, nil
}

func absent(n Noun, name string) error {
	return &model.Error{Kind: model.KindNotFound, Message: fmt.Sprintf("there is no %s %q, or none that you may know of", n.Word, name), Hint: "see souk " + n.Word + " list"}
}

// finding is the query of one record.
func (a Act) finding() string {
	return fmt.Sprintf("query($id: ID!) { %s(id: $id) { %s } }", a.field.Name, a.selection(a.schema.Types[a.field.Type.Name()], true))
}

// List gives each row to the function, page by page, until that wants no more.
func (a Act) List(ctx context.Context, c *remote.Client, input Input, limit int, each func(Record) error) error {
	query := a.listing()
	for after := any(nil); ; {
		variables := map[string]any{"first": min(pageSize, limit), "after": after}
		filter := map[string]any{}
		for _, f := range a.Flags {
			switch value, given := input[f.Name]; {
			case given && f.filter:
				filter[f.Name] = value
			case given:
				variables[f.Name] = value
			}
		}
		if len(filter) > 0 {
			variables["filter"] = filter
		}
		var page struct {
			Nodes    []Record
			PageInfo struct {
				HasNextPage bool
				EndCursor   *string
			}
		}
		if err := c.Ask(ctx, a.field.Name, query, variables, &page); err != nil {
			return err
		}
		for _, row := range page.Nodes {
			if err := each(row); err != nil {
				return err
			}
		}
		if limit -= len(page.Nodes); !page.PageInfo.HasNextPage || limit <= 0 {
			return nil
		}
		after = page.PageInfo.EndCursor
	}
}

// listing is the query of a list.
func (a Act) listing() string {
	given := make([]string, len(a.field.Arguments))
	for i, arg := range a.field.Arguments {
		given[i] = arg.Name + ": $" + arg.Name
	}
	return fmt.Sprintf("query(%s) { %s(%s) { nodes { %s } pageInfo { hasNextPage endCursor } } }",
		a.declared(), a.field.Name, strings.Join(given, ", "), a.selection(a.row(), false))
}

// declared are the variables of a list. One that is not given is what the schema
// says of its argument.
func (a Act) declared() string {
	all := make([]string, len(a.field.Arguments))
	for i, arg := range a.field.Arguments {
		all[i] = "$" + arg.Name + ": " + arg.Type.String()
		if arg.DefaultValue != nil {
			all[i] += " = " + arg.DefaultValue.String()
		}
	}
	return strings.Join(all, ", ")
}

// operation is what the act sends, for the test that holds it to the schema.
func (a Act) operation() string {
	switch {
	case a.list:
		return a.listing()
	case a.kind == ast.Query:
		return a.finding()
	}
	return fmt.Sprintf("mutation M($input: %s) { %s(input: $input) { %s } }", a.field.Arguments[0].Type, a.field.Name, a.payload())
}
