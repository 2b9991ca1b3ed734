package httpd

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/souk-mesh/souk/graph/model"
)

// scalars is a schema that knows what its own scalars can be. Other schemas
// take any value for them until it is read.
type scalars interface {
	CheckScalar(name string, value any) error
}

// reader takes the values of arguments as the schema wants them, exactly: a
// number in quotes is no number, and a word of an enum has its own letters.
type reader struct {
	schema *ast.Schema
	own    scalars
}

func newReader(s graphql.ExecutableSchema) *reader {
	own, _ := s.(scalars)
	return &reader{schema: s.Schema(), own: own}
}

// variables reads those that the operation declares. The error is of kind
// Invalid and names the place within the variable at fault.
func (r *reader) variables(op *ast.OperationDefinition, given map[string]any) (map[string]any, error) {
	read := make(map[string]any, len(op.VariableDefinitions))
	for _, v := range op.VariableDefinitions {
		value, ok := given[v.Variable]
		if !ok && v.DefaultValue != nil {
			var err error
			if value, err = v.DefaultValue.Value(nil); err != nil {
				return nil, model.Invalid(v.Variable, "has a default that cannot be read", "")
			}
			ok = true
		}
		if !ok && !v.Type.NonNull {
			continue
		}
		var err error
		if read[v.Variable], err = r.value(v.Variable, v.Type, value, ok); err != nil {
			return nil, err
		}
	}
	return read, nil
}

// value reads what stands at the path.
func (r *reader) value(path string, t *ast.Type, v any, given bool) (any, error) {
	if v == nil {
		switch {
		case !t.NonNull:
			return nil, nil //nolint:nilnil // null is a value
		case !given:
			return nil, model.Invalid(path, "is missing", "give "+r.form(t))
		}
		return nil, model.Invalid(path, "must not be null", "give "+r.form(t))
	}
	if t.Elem != nil {
		return r.list(path, t, v)
	}
	switch def := r.schema.Types[t.NamedType]; def.Kind {
	case ast.Enum:
		return r.word(path, def, v)
	case ast.InputObject:
		return r.object(path, def, v)
	default:
		return r.scalar(path, t, v)
	}
}

// list takes a value that is no list for a list of it alone, as GraphQL has it.
func (r *reader) list(path string, t *ast.Type, v any) (any, error) {
	items, ok := v.([]any)
	if !ok {
		one, err := r.value(path, t.Elem, v, true)
		return []any{one}, err
	}
	read := make([]any, len(items))
	for i, item := range items {
		var err error
		if read[i], err = r.value(path+"["+strconv.Itoa(i)+"]", t.Elem, item, true); err != nil {
			return nil, err
		}
	}
	return read, nil
}

func (r *reader) word(path string, def *ast.Definition, v any) (any, error) {
	words := make([]string, len(def.EnumValues))
	for i, w := range def.EnumValues {
		words[i] = w.Name
	}
	text, ok := v.(string)
	if !ok {
		return nil, model.Invalid(path, "is no word of "+def.Name, "use "+model.OneOf(words))
	}
	if slices.Contains(words, text) {
		return text, nil
	}
	hint := "use " + model.OneOf(words)
	if near := model.Nearest(text, words); near != "" {
		hint = "did you mean " + near + "?"
	}
	return nil, model.Invalid(path, "is no word of "+def.Name, hint)
}

func (r *reader) object(path string, def *ast.Definition, v any) (any, error) {
	given, ok := v.(map[string]any)
	if !ok {
		return nil, model.Invalid(path, "is no object of type "+def.Name, "give one such as {"+def.Fields[0].Name+": ...}")
	}
	if err := known(path, def, given); err != nil {
		return nil, err
	}
	read := make(map[string]any, len(given))
	for _, f := range def.Fields {
		value, ok := given[f.Name]
		if !ok && (!f.Type.NonNull || f.DefaultValue != nil) {
			continue // a default is filled in where the input is read
		}
		var err error
		if read[f.Name], err = r.value(path+"."+f.Name, f.Type, value, ok); err != nil {
			return nil, err
		}
	}
	return read, nil
}

// known finds a field that the type does not have, the first by the alphabet.
func known(path string, def *ast.Definition, given map[string]any) error {
	var wrong []string
	for name := range given {
		if def.Fields.ForName(name) == nil {
			wrong = append(wrong, name)
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	fields := make([]string, len(def.Fields))
	for i, f := range def.Fields {
		fields[i] = f.Name
	}
	first := slices.Min(wrong)
	return model.Invalid(path+"."+clip(first), "is no field of "+def.Name, model.DidYouMean(first, fields))
}

func (r *reader) scalar(path string, t *ast.Type, v any) (any, error) {
	var read any
	var ok bool
	switch t.NamedType {
	case "Int":
		read, ok = whole(v)
	case "Float":
		read, ok = float(v)
	case "String":
		read, ok = v.(string)
	case "Boolean":
		read, ok = v.(bool)
	case "ID":
		if read, ok = v.(string); !ok {
			var n int64
			n, ok = whole(v)
			read = strconv.FormatInt(n, 10)
		}
	default:
		return v, r.check(path, t.NamedType, v)
	}
	if !ok {
		return nil, model.Invalid(path, "is no "+t.NamedType, "give "+r.form(t))
	}
	return read, nil
}

func (r *reader) check(path, scalar string, v any) error {
	if r.own == nil {
		return nil
	}
	err := r.own.CheckScalar(scalar, v)
	if e, ok := errors.AsType[*model.Error](err); ok {
		return model.Invalid(path, e.Message, e.Hint)
	}
	return err
}

// whole reads a number of 32 bits, which may be written as 10, 10.0 or 1e1.
func whole(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, v >= math.MinInt32 && v <= math.MaxInt32
	case json.Number:
		if len(v) > 32 { // no number of 32 bits, however it is written
			return 0, false
		}
		n, ok := new(big.Rat).SetString(string(v))
		if !ok || !n.IsInt() || !n.Num().IsInt64() {
			return 0, false
		}
		return whole(n.Num().Int64())
	}
	return 0, false
}

func float(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	case json.Number:
		f, err := v.Float64()
		return f, err == nil
	}
	return 0, false
}

// form says how a value of the type is written.
func (r *reader) form(t *ast.Type) string {
	if t.Elem != nil {
		return "a list of which each is " + r.form(t.Elem)
	}
	switch t.NamedType {
	case "Int":
		return "a whole number of 32 bits such as 10, without quotes"
	case "Float":
		return "a number such as 0.5, without quotes"
	case "String":
		return "a string in quotes"
	case "Boolean":
		return "true or false, without quotes"
	case "ID":
		return "an id in quotes"
	}
	return "a value of type " + t.NamedType
}

// literals reads the scalars that stand in the document itself. What GraphQL's
// own scalars and enums may be, validation has said before.
func (r *reader) literals(doc *ast.QueryDocument) gqlerror.List {
	w := &literals{reader: r}
	for _, op := range doc.Operations {
		for _, v := range op.VariableDefinitions {
			if v.DefaultValue != nil {
				w.value("$"+v.Variable, v.Type, v.DefaultValue)
			}
		}
		w.set(op.SelectionSet)
	}
	for _, f := range doc.Fragments {
		w.set(f.SelectionSet)
	}
	return w.found
}

type literals struct {
	*reader
	found gqlerror.List
}

func (w *literals) set(set ast.SelectionSet) {
	for _, selection := range set {
		switch selection := selection.(type) {
		case *ast.Field:
			for _, a := range selection.Arguments {
				if def := selection.Definition.Arguments.ForName(a.Name); def != nil {
					w.value(a.Name, def.Type, a.Value)
				}
			}
			w.set(selection.SelectionSet)
		case *ast.InlineFragment:
			w.set(selection.SelectionSet)
		}
	}
}

func (w *literals) value(path string, t *ast.Type, v *ast.Value) {
	if v.Kind == ast.Variable || v.Kind == ast.NullValue {
		return
	}
	if t.Elem != nil {
		if v.Kind != ast.ListValue {
			w.value(path, t.Elem, v)
		}
		for i, child := range v.Children {
			if v.Kind == ast.ListValue {
				w.value(path+"["+strconv.Itoa(i)+"]", t.Elem, child.Value)
			}
		}
		return
	}
	switch def := w.schema.Types[t.NamedType]; def.Kind {
	case ast.InputObject:
		for _, child := range v.Children {
			if f := def.Fields.ForName(child.Name); f != nil {
				w.value(path+"."+child.Name, f.Type, child.Value)
			}
		}
	case ast.Scalar:
		if strings.Contains(v.String(), "$") && holdsVariable(v) { // a JSON object with variables in it
			return
		}
		plain, err := v.Value(nil)
		if err == nil {
			_, err = w.scalar(path, t, plain)
		}
		if err != nil {
			e := refuseInput(err).errors[0]
			if v.Position != nil {
				e.Locations = []gqlerror.Location{{Line: v.Position.Line, Column: v.Position.Column}}
			}
			w.found = append(w.found, e)
		}
	default:
	}
}

func holdsVariable(v *ast.Value) bool {
	return v.Kind == ast.Variable || slices.ContainsFunc(v.Children, func(c *ast.ChildValue) bool { return holdsVariable(c.Value) })
}

// refuseInput tells of a value that does not fit: where it stands, and what
// would fit.
func refuseInput(err error) *refusal {
	e, ok := errors.AsType[*model.Error](err)
	if !ok {
		e = model.Invalid("", "a value cannot be read", "")
	}
	r := refuseDocument(CodeInput, "%s: %s", clip(e.Field), e.Message)
	extensions := r.errors[0].Extensions
	extensions["field"] = clip(e.Field)
	if e.Hint != "" {
		extensions["hint"] = e.Hint
	}
	r.errors[0].Path = pathOf(e.Field)
	return r
}

// pathOf takes "input.ports[0].name" apart.
func pathOf(field string) ast.Path {
	var path ast.Path
	for _, part := range strings.FieldsFunc(field, func(c rune) bool { return c == '.' || c == '[' || c == ']' }) {
		if n, err := strconv.Atoi(part); err == nil {
			path = append(path, ast.PathIndex(n))
		} else {
			path = append(path, ast.PathName(part))
		}
	}
	return path
}
