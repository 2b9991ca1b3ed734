package question

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
)

// InputVersion is raised when the meaning of a field of the input changes.
const InputVersion = 1

// Stamp is how times stand in the input: UTC and of fixed width, so that
// policies may compare them as text.
const Stamp = "2006-01-02T15:04:05.000Z"

// Input is the exact input of the evaluation, for the decision log.
func (q Question) Input() json.RawMessage { return Written(q.Value()) }

// usualInput is what most inputs take as text.
const usualInput = 1 << 10

// Written is an input as the log keeps it.
func Written(input ast.Value) json.RawMessage { return AppendJSON(make([]byte, 0, usualInput), input) }

// Value builds the input as the engine's own values. Going through Go maps
// would cost half as many allocations again.
func (q Question) Value() ast.Value {
	b := &builder{question: q}
	b.free = b.block[:]
	input := ast.NewObject(
		Pair(keyV, ast.InternedTerm(InputVersion)),
		Pair(keyAction, actionTerm(q.Action)),
		Pair(keySubject, members(b, subjectPart, &b.question)),
		Pair(keyResource, members(b, resourcePart, &b.question)),
		Pair(keyFacts, b.facts(&b.question)),
		Pair(keyContext, members(b, contextPart, &b.question)),
	)
	if !q.Properties.empty() {
		input.Insert(keyProperties, b.properties(&q.Properties))
	}
	return input
}

// builder holds a question and the terms of its input in a single block of
// memory: the rows of the table read the one and make the other.
type builder struct {
	question Question
	block    [40]ast.Term
	free     []ast.Term
}

func (b *builder) term(v ast.Value) *ast.Term {
	if len(b.free) == 0 {
		b.free = make([]ast.Term, len(b.block)) // the terms of the full block are in use
	}
	t := &b.free[0]
	t.Value, b.free = v, b.free[1:]
	return t
}

func (b *builder) object(pairs ...[2]*ast.Term) *ast.Term { return b.term(ast.NewObject(pairs...)) }

func (b *builder) text(s string) *ast.Term {
	if s == "" {
		return words[""]
	}
	return b.term(ast.String(s))
}

// known is text that is most often of a closed list.
func (b *builder) known(usual string) *ast.Term {
	if t, ok := words[usual]; ok {
		return t
	}
	return b.term(ast.String(usual))
}

func (b *builder) moment(t time.Time) *ast.Term { return b.term(ast.String(t.UTC().Format(Stamp))) }

func list[T ~string](b *builder, items []T) *ast.Term {
	if len(items) == 0 {
		return emptyList
	}
	terms := make([]*ast.Term, len(items))
	for i, item := range items {
		terms[i] = b.known(string(item))
	}
	return b.term(ast.NewArray(terms...))
}

// facts of most questions are none.
func (b *builder) facts(q *Question) *ast.Term {
	f := &q.Facts
	if len(f.Grants) == 0 && len(f.RolesHeld) == 0 && f.Impact == nil && f.Change == nil && f.Ending == nil {
		return noFacts
	}
	return members(b, factsPart, q)
}

func (b *builder) grants(grants []GrantFact) *ast.Term {
	if len(grants) == 0 {
		return emptyList
	}
	terms := make([]*ast.Term, len(grants))
	for i := range grants {
		terms[i] = members(b, GrantTable, &grants[i])
	}
	return b.term(ast.NewArray(terms...))
}

// Term is the grant as the rules see it.
func (g GrantFact) Term() *ast.Term { return members(new(builder), GrantTable, &g) }

func (b *builder) properties(p *Properties) *ast.Term {
	return b.object(
		Pair(keySubject, b.attributes(p.Subject)),
		Pair(keyAction, b.attributes(p.Action)),
		Pair(keyResource, b.attributes(p.Resource)),
		Pair(keyContext, b.attributes(p.Context)),
	)
}

// Check reports what the rules cannot be shown, such as a number with an
// exponent beyond all measure. Without it a denial by that value would not fire.
func (p *Properties) Check() error {
	for _, one := range []struct {
		name   string
		values map[string]any
	}{{"subject", p.Subject}, {"action", p.Action}, {"resource", p.Resource}, {"context", p.Context}} {
		if len(one.values) == 0 {
			continue
		}
		if _, err := ast.InterfaceToValue(one.values); err != nil {
			return fmt.Errorf("the properties of %s hold a value that is out of range or no JSON", one.name)
		}
	}
	return nil
}

// attributes takes over what JSON can hold; anything else has been refused.
func (b *builder) attributes(m map[string]any) *ast.Term {
	v, err := ast.InterfaceToValue(m)
	if err != nil || len(m) == 0 {
		return noAttributes
	}
	return b.term(v)
}

// What inputs have in common, built once.
var (
	keyV, keyAction, keySubject, keyResource = ast.StringTerm("v"), ast.StringTerm("action"), ast.StringTerm("subject"), ast.StringTerm("resource")
	keyFacts, keyContext, keyProperties      = ast.StringTerm("facts"), ast.StringTerm("context"), ast.StringTerm("properties")
	keyName                                  = ast.StringTerm("name")

	subjectPart, resourcePart, factsPart, contextPart = part("subject"), part("resource"), part("facts"), part("context")

	emptyList    = ast.ArrayTerm()
	noAttributes = ast.ObjectTerm()
	noFacts      = ast.ObjectTerm(Pair(ast.StringTerm("grants"), emptyList), Pair(ast.StringTerm("roles_held"), emptyList))
	words        = vocabulary()

	actionTerms = eachAction()
)

func eachAction() map[model.Action]*ast.Term {
	terms := make(map[model.Action]*ast.Term, len(RightsByAction))
	for a := range RightsByAction {
		terms[a] = ast.ObjectTerm(Pair(keyName, ast.StringTerm(string(a))))
	}
	return terms
}

func actionTerm(a model.Action) *ast.Term {
	if t, ok := actionTerms[a]; ok {
		return t
	}
	return ast.ObjectTerm(Pair(keyName, ast.StringTerm(string(a))))
}

// vocabulary holds the words of the closed lists, which most questions consist of.
func vocabulary() map[string]*ast.Term {
	terms := map[string]*ast.Term{}
	for _, w := range []string{
		"", "person", "service", "graphql", "command", "authzen", "trino", "opa", "schedule",
		string(model.ApproverDomainSteward), string(model.ApproverProductOwner), string(model.ApproverPlatformSteward),
		"data_product", "asset", "domain", "team", "source", "access_request", "grant", "principal", "token", "decision", "policy",
		string(model.Public), string(model.Internal), string(model.Confidential), string(model.Restricted),
		string(model.VisibleToAll), string(model.VisibleToDomain),
		string(model.Draft), string(model.Published), string(model.Deprecated), string(model.Retired),
		string(model.RequestPending), string(model.GrantActive), string(model.AssetActive), string(model.AssetUnresolved),
		string(model.RoleAdmin), string(model.RoleSteward), string(model.RoleEmployee),
	} {
		terms[w] = ast.StringTerm(w)
	}
	return terms
}

// Pair is a member of an object.
func Pair(key, value *ast.Term) [2]*ast.Term { return [2]*ast.Term{key, value} }

// AppendJSON writes a value of the input. The log must hold what the engine
// saw, so it is written from the engine's own value.
func AppendJSON(b []byte, v ast.Value) []byte {
	switch v := v.(type) {
	case ast.Object:
		b = append(b, '{')
		v.Foreach(func(key, value *ast.Term) {
			if b[len(b)-1] != '{' {
				b = append(b, ',')
			}
			b = append(AppendJSON(b, key.Value), ':')
			b = AppendJSON(b, value.Value)
		})
		return append(b, '}')
	case *ast.Array:
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			b = AppendJSON(b, v.Elem(i).Value)
		}
		return append(b, ']')
	case ast.Boolean:
		return strconv.AppendBool(b, bool(v))
	case ast.Number:
		return append(b, v...)
	case ast.String:
		return appendText(b, string(v))
	}
	return append(b, "null"...)
}

// appendText writes a string. What needs no escape, nearly all, is copied.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, _ := json.Marshal(s) // a string always has a JSON form
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// ValueOf gives the value of a term that is of the type.
func ValueOf[T ast.Value](t *ast.Term) (T, bool) {
	var none T
	if t == nil {
		return none, false
	}
	v, ok := t.Value.(T)
	return v, ok
}
