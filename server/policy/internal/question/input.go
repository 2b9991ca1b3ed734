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
	b := make(builder, 0, 40)
	input := ast.NewObject(
		Pair(keyV, ast.InternedTerm(InputVersion)),
		Pair(keyAction, actionTerm(q.Action)),
		Pair(keySubject, b.subject(&q.Subject)),
		Pair(keyResource, b.resource(&q.Resource)),
		Pair(keyFacts, b.facts(&q.Facts)),
		Pair(keyContext, b.context(&q.Context)),
	)
	if !q.Properties.empty() {
		input.Insert(keyProperties, b.properties(&q.Properties))
	}
	return input
}

// builder holds the terms of one input in a single block of memory.
type builder []ast.Term

func (b *builder) term(v ast.Value) *ast.Term {
	if len(*b) == cap(*b) {
		*b = make(builder, 0, 40) // the terms of the full block are in use
	}
	*b = append(*b, ast.Term{Value: v})
	return &(*b)[len(*b)-1]
}

func (b *builder) object(pairs ...[2]*ast.Term) *ast.Term { return b.term(ast.NewObject(pairs...)) }

func (b *builder) text(s string) *ast.Term {
	if s == "" {
		return words[""]
	}
	return b.term(ast.String(s))
}

// known is text that is most often of a closed list.
func (b *builder) known(word string) *ast.Term {
	if t, ok := words[word]; ok {
		return t
	}
	return b.term(ast.String(word))
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

func (b *builder) subject(s *Subject) *ast.Term {
	return b.object(
		Pair(KeyType, b.known(s.Type)),
		Pair(KeyID, b.text(string(s.ID))),
		Pair(keyName, b.text(s.Name)),
		Pair(KeyDomain, b.text(string(s.Domain))),
		Pair(keyTeams, list(b, s.Teams)),
		Pair(keyStewardOf, list(b, s.StewardOf)),
		Pair(keyRoles, list(b, s.Roles)),
		Pair(keyClearance, b.known(string(s.Clearance))),
		Pair(keyRegion, b.text(s.Region)),
		Pair(keySuspended, ast.InternedTerm(s.Suspended)),
	)
}

func (b *builder) resource(r *Resource) *ast.Term {
	o := ast.NewObject(
		Pair(KeyType, b.known(r.Type)),
		Pair(KeyID, b.text(string(r.ID))),
		Pair(keyName, b.text(r.Name)),
		Pair(KeyDomain, b.text(string(r.Domain))),
		Pair(keyOwner, b.text(string(r.Owner))),
		Pair(keyOwnerTeam, b.text(r.OwnerTeam)),
		Pair(keyClassification, b.known(string(r.Classification))),
		Pair(keyVisibility, b.known(string(r.Visibility))),
		Pair(keyStatus, b.known(r.Status)),
		Pair(keyTags, list(b, r.Tags)),
		Pair(KeyProduct, b.text(string(r.Product))),
		Pair(keyRequester, b.text(string(r.Requester))),
		Pair(keyDescribed, ast.InternedTerm(r.Described)),
		Pair(keyHasOwner, ast.InternedTerm(r.HasOwner)),
		Pair(keyExposed, ast.InternedTerm(r.Exposed)),
		Pair(keyPorts, ast.InternedTerm(r.Ports)),
	)
	if r.Unconsented > 0 {
		o.Insert(keyUnconsented, ast.InternedTerm(r.Unconsented))
	}
	if r.Findings != nil {
		o.Insert(KeyFindings, b.findings(r.Findings))
	}
	return b.term(o)
}

func (b *builder) findings(f *FindingsFact) *ast.Term {
	return b.object(
		Pair(keyErrors, ast.InternedTerm(f.Errors)), Pair(keyWarnings, ast.InternedTerm(f.Warnings)), Pair(keyCodes, list(b, f.Codes)),
	)
}

func (b *builder) facts(f *Facts) *ast.Term {
	if len(f.Grants) == 0 && len(f.RolesHeld) == 0 && f.Impact == nil && f.Change == nil && f.Ending == nil {
		return noFacts
	}
	grants := emptyList
	if len(f.Grants) > 0 {
		terms := make([]*ast.Term, len(f.Grants))
		for i, g := range f.Grants {
			terms[i] = b.object(Pair(KeyID, b.text(string(g.ID))), Pair(KeyProduct, b.text(string(g.Product))),
				Pair(KeyPurpose, b.text(g.Purpose)), Pair(KeyUntil, b.moment(g.Until)))
		}
		grants = b.term(ast.NewArray(terms...))
	}
	o := ast.NewObject(Pair(keyGrants, grants), Pair(keyRolesHeld, list(b, f.RolesHeld)))
	if f.Impact != nil {
		o.Insert(keyImpact, b.impact(f.Impact))
	}
	if f.Change != nil {
		o.Insert(keyChange, b.change(f.Change))
	}
	if f.Ending != nil {
		o.Insert(keyEnding, b.object(
			Pair(keyConsumers, ast.InternedTerm(f.Ending.Consumers)), Pair(keyNoticeHours, ast.InternedTerm(f.Ending.NoticeHours)),
			Pair(keySuccessor, ast.InternedTerm(f.Ending.Successor)),
		))
	}
	return b.term(o)
}

func (b *builder) change(c *ChangeFact) *ast.Term {
	return b.object(
		Pair(keyLoosens, ast.InternedTerm(c.Loosens)), Pair(keyClassification, b.known(string(c.Classification))), Pair(keyFields, list(b, c.Fields)),
	)
}

func (b *builder) impact(i *ImpactFact) *ast.Term {
	return b.object(
		Pair(keyLoosens, ast.InternedTerm(i.Loosens)), Pair(keySensitive, ast.InternedTerm(i.Sensitive)),
		Pair(keyFlipPercent, ast.InternedTerm(i.FlipPercent)), Pair(keyTouches, list(b, i.Touches)),
	)
}

func (b *builder) context(c *Context) *ast.Term {
	return b.object(
		Pair(keyNow, b.moment(c.Now)),
		Pair(KeyPurpose, b.text(c.Purpose)),
		Pair(keyDuration, ast.InternedTerm(int(c.Duration/time.Second))),
		Pair(keyChannel, b.known(c.Channel)),
	)
}

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
	for _, part := range []struct {
		name   string
		values map[string]any
	}{{"subject", p.Subject}, {"action", p.Action}, {"resource", p.Resource}, {"context", p.Context}} {
		if len(part.values) == 0 {
			continue
		}
		if _, err := ast.InterfaceToValue(part.values); err != nil {
			return fmt.Errorf("the properties of %s hold a value that is out of range or no JSON", part.name)
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

// The keys of the input, built once.
var (
	keyV, keyAction, keySubject, keyResource     = ast.StringTerm("v"), ast.StringTerm("action"), ast.StringTerm("subject"), ast.StringTerm("resource")
	keyFacts, keyContext                         = ast.StringTerm("facts"), ast.StringTerm("context")
	KeyType, KeyID, keyName, KeyDomain, keyTeams = ast.StringTerm("type"), ast.StringTerm("id"), ast.StringTerm("name"), ast.StringTerm("domain"), ast.StringTerm("teams")
	keyStewardOf, keyRoles, keyClearance         = ast.StringTerm("steward_of"), ast.StringTerm("roles"), ast.StringTerm("clearance")
	keySuspended, keyOwner, keyOwnerTeam         = ast.StringTerm("suspended"), ast.StringTerm("owner"), ast.StringTerm("owner_team")
	keyClassification, keyVisibility, keyStatus  = ast.StringTerm("classification"), ast.StringTerm("visibility"), ast.StringTerm("status")
	keyTags, KeyProduct, keyRequester            = ast.StringTerm("tags"), ast.StringTerm("product"), ast.StringTerm("requester")
	keyDescribed, keyHasOwner, keyExposed        = ast.StringTerm("described"), ast.StringTerm("has_owner"), ast.StringTerm("exposed")
	keyPorts, keyGrants, keyRolesHeld            = ast.StringTerm("ports"), ast.StringTerm("grants"), ast.StringTerm("roles_held")
	KeyPurpose, KeyUntil, keyNow                 = ast.StringTerm("purpose"), ast.StringTerm("until"), ast.StringTerm("now")
	keyDuration, keyChannel, keyProperties       = ast.StringTerm("duration_s"), ast.StringTerm("channel"), ast.StringTerm("properties")
	keyImpact, keyLoosens, keySensitive          = ast.StringTerm("impact"), ast.StringTerm("loosens"), ast.StringTerm("sensitive")
	keyEnding, keyConsumers                      = ast.StringTerm("ending"), ast.StringTerm("consumers")
	keyNoticeHours, keySuccessor                 = ast.StringTerm("notice_hours"), ast.StringTerm("successor")
	keyUnconsented, keyChange, keyFields         = ast.StringTerm("unconsented"), ast.StringTerm("change"), ast.StringTerm("fields")
	keyFlipPercent, keyTouches                   = ast.StringTerm("flip_percent"), ast.StringTerm("touches")

	keyRegion, KeyFindings           = ast.StringTerm("region"), ast.StringTerm("findings")
	keyErrors, keyWarnings, keyCodes = ast.StringTerm("errors"), ast.StringTerm("warnings"), ast.StringTerm("codes")

	emptyList    = ast.ArrayTerm()
	noAttributes = ast.ObjectTerm()
	noFacts      = ast.ObjectTerm(Pair(keyGrants, emptyList), Pair(keyRolesHeld, emptyList))
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
		"", "person", "service", "graphql", "command", "authzen", "trino", "opa", "schedule", "domain_steward", "product_owner", "platform_steward",
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
