package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/types"
	"github.com/souk-mesh/souk/graph/model"
)

// The bounds of a condition. Rules beyond them are asked row by row.
const (
	maxPartialSteps = 20_000
	maxConditions   = 256  // comparisons of one package
	maxKeptViews    = 2048 // askers whose conditions one package remembers
)

// View is what one asker may do with the rows of one type: a condition for the
// rows of each domain that writes its own rules, one for those of all others,
// and one for what belongs to the platform. A part that no condition can
// express is nil, and its rows have to be asked about one by one.
type View struct {
	Platform *Condition
	Template *Condition
	Domains  map[model.Slug]*Condition
}

// Of gives the condition for the rows of a domain; "" is the platform.
func (v View) Of(domain model.Slug) *Condition {
	if domain == "" {
		return v.Platform
	}
	if c, own := v.Domains[domain]; own {
		return c
	}
	return v.Template
}

// View turns the rules that decide the question into conditions over the rows
// of its resource's type. Nothing else of the resource is looked at, and
// nothing of the facts: both may differ from row to row, as may the time.
func (s *Snapshot) View(ctx context.Context, q Question) View {
	right, known := rightsOf(q.Action)
	if !known {
		return View{Platform: &never, Template: &never}
	}
	q.Resource, q.Facts = Resource{Type: q.Resource.Type}, Facts{}
	if s.trial || s.engine.anyRests() {
		return s.view(ctx, q, right)
	}
	key := q.viewKey()
	if v, ok := s.engine.looks.get(s, key); ok {
		return v
	}
	v := s.view(ctx, q, right)
	if ctx.Err() == nil {
		s.engine.looks.put(s, key, v)
	}
	return v
}

// view joins what the packages say.
func (s *Snapshot) view(ctx context.Context, q Question, right rights) View {
	platform := s.platform.view(ctx, q)
	v := View{Platform: joined(rights{platform: true}, platform, nil), Domains: make(map[model.Slug]*Condition, len(s.domains))}
	switch {
	case right.alone:
		v.Template = joined(right, platform, nil)
		return v
	case right.approval || right.consent:
		for domain := range s.domains {
			v.Domains[domain] = nil
		}
		return v
	}
	v.Template = joined(right, platform, s.template.view(ctx, q))
	for domain, u := range s.domains {
		if !s.trial && s.engine.guard(domain).rests() {
			v.Domains[domain] = &never
			continue
		}
		q.Resource.Domain = domain
		if c := joined(right, platform, u.view(ctx, q)); c != nil {
			bound := c.Bind(FieldDomain, Value{Text: string(domain)})
			v.Domains[domain] = &bound
			continue
		}
		v.Domains[domain] = nil
	}
	return v
}

// Visible gives the condition for the rows of the question's domain. It is
// false when no condition can express the rules; then each row is asked about.
func (s *Snapshot) Visible(ctx context.Context, q Question) (Condition, bool) {
	domain := q.Resource.Domain
	c := s.View(ctx, q).Of(domain)
	if c == nil {
		return never, false
	}
	return c.Bind(FieldDomain, Value{Text: string(domain)}), true
}

// rests reports whether the domain is in quarantine and refuses everything.
func (g *guard) rests() bool {
	until := g.closed.Load()
	return until != 0 && time.Now().UnixNano() < until
}

func (e *Engine) anyRests() (rests bool) {
	e.guards.Range(func(_, g any) bool {
		rests = g.(*guard).rests()
		return !rests
	})
	return rests
}

// looks remembers the views of the snapshot in force.
type looks struct {
	mu       sync.Mutex
	snapshot *Snapshot
	known    map[string]View
}

func (l *looks) get(s *Snapshot, key string) (View, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.snapshot != s {
		return View{}, false
	}
	v, ok := l.known[key]
	return v, ok
}

func (l *looks) put(s *Snapshot, key string, v View) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.snapshot != s || len(l.known) >= maxKeptViews/8 {
		l.snapshot, l.known = s, map[string]View{}
	}
	l.known[key] = v
}

// part is what one package says: when it denies and when it allows.
type part struct {
	deny, allow Condition
	opaque      error // no condition can express it
}

// joined combines the packages as combine does: any denial refuses, then any
// allow of whoever may allow is enough.
func joined(right rights, platform, owner *part) *Condition {
	if platform.opaque != nil || (owner != nil && owner.opaque != nil) {
		return nil
	}
	deny, allow := platform.deny, never
	if right.platform {
		allow = platform.allow
	}
	if owner != nil {
		deny, allow = or(deny, owner.deny), or(allow, owner.allow)
	}
	c := and(not(deny), allow)
	return &c
}

// views remembers what a package says to whom.
type views struct {
	mu    sync.Mutex
	known map[string]*part
	flags map[string]error // by type of resource: why its rows are asked one by one
}

// view evaluates the package for the asker with the row unknown.
func (u *unit) view(ctx context.Context, q Question) *part {
	input := q.value()
	key := q.viewKey()
	u.views.mu.Lock()
	p, ok := u.views.known[key]
	u.views.mu.Unlock()
	if ok {
		return p
	}
	p = u.translate(ctx, q.Action, input, false)
	if ctx.Err() != nil {
		return p
	}
	u.views.mu.Lock()
	defer u.views.mu.Unlock()
	if len(u.views.known) >= maxKeptViews || u.views.known == nil {
		u.views.known, u.views.flags = map[string]*part{}, map[string]error{}
	}
	u.views.known[key] = p
	if p.opaque != nil {
		u.views.flags[q.Resource.Type] = p.opaque
	}
	return p
}

// viewKey holds everything of the question that rules can read and that does
// not differ from row to row.
func (q Question) viewKey() string {
	var b strings.Builder
	s := &q.Subject
	for _, word := range []string{
		string(q.Action), q.Resource.Type, string(q.Resource.Domain), s.Type, string(s.ID), s.Name, string(s.Domain), string(s.Clearance), s.Region,
		q.Context.Purpose, q.Context.Channel, q.Context.Duration.String(),
	} {
		b.WriteString(word)
		b.WriteByte(0)
	}
	fmt.Fprintf(&b, "%t%q%q%q", s.Suspended, s.Teams, s.StewardOf, s.Roles)
	if !q.Properties.empty() {
		fmt.Fprintf(&b, "%v", q.Properties)
	}
	return b.String()
}

// emptyStore is what rules find under data beside themselves: nothing.
var emptyStore = inmem.New()

// unknowns are the parts of the input that differ from row to row.
var unknowns = func() (terms []*ast.Term) {
	for name := range rowFields {
		terms = append(terms, ast.MustParseTerm(name))
	}
	return terms
}()

var unknownAsker = append(slices.Clone(unknowns), ast.NewTerm(subjectRef), ast.NewTerm(contextRef))

// anyTypes knows the functions that rules call and nothing of their operands.
var anyTypes = func() *ast.TypeEnv {
	caps := capabilities(false)
	for i, b := range caps.Builtins {
		if b.Decl.FuncArgs().Variadic != nil {
			continue
		}
		free := *b
		free.Decl = types.NewFunction(slices.Repeat([]types.Type{types.A}, b.Decl.Arity()), types.A)
		caps.Builtins[i] = &free
	}
	c := ast.NewCompiler().WithCapabilities(caps)
	c.Compile(map[string]*ast.Module{})
	return c.TypeEnv
}()

// untyped gives a copy of the compiler that does not check types. A partial
// evaluation drops what cannot succeed by its types; but a call with the wrong
// operands fails, and the decision refuses then.
func untyped(c *ast.Compiler) *ast.Compiler {
	free := *c
	free.TypeEnv = anyTypes
	return &free
}

var meteredFunctions = func() map[string]*topdown.Builtin {
	functions := make(map[string]*topdown.Builtin, len(metered))
	for _, name := range metered {
		builtin := topdown.GetBuiltin(name)
		functions[meteredPrefix+name] = &topdown.Builtin{
			Decl: &ast.Builtin{Name: meteredPrefix + name, Decl: ast.BuiltinMap[name].Decl},
			Func: func(ctx topdown.BuiltinContext, operands []*ast.Term, yield func(*ast.Term) error) error {
				if err := weigh(name, operands); err != nil {
					return topdown.Halt{Err: err}
				}
				return builtin(ctx, operands, yield)
			},
		}
	}
	return functions
}()

// entriesOfView are the rules that a decision about the action hears.
func (u *unit) entriesOfView(action model.Action) []string {
	if action == model.ActMetadataView {
		return without(u.defined, "consent")
	}
	return without(u.defined, "consent", "visible")
}

// translate makes conditions of the package's rules; late leaves the asker open too.
func (u *unit) translate(ctx context.Context, action model.Action, input ast.Value, late bool) *part {
	p := &part{}
	b, timer := startBudget(ctx)
	defer timer.Stop()
	b.steps = maxSteps - maxPartialSteps
	size := 0
	for _, entry := range u.entriesOfView(action) {
		c, used, err := u.entry(ctx, entry, input, b, late)
		switch {
		case err != nil && b.why != "":
			p.opaque = cannot(nil, "its rules are too many to look at without a row")
		case err != nil:
			p.opaque = err
		case c.size() > maxConditions:
			p.opaque = cannot(nil, "its rules make a filter of more than %d comparisons", maxConditions)
		case entry == "deny":
			p.deny = c
		case entry == "allow" || entry == "visible":
			p.allow = or(p.allow, c)
		}
		if size += used; p.opaque == nil && size > maxOutput {
			p.opaque = cannot(nil, "its answer can be larger than %d KiB", maxOutput>>10)
		}
		if p.opaque != nil {
			return p
		}
	}
	return p
}

// entry evaluates one entry rule and says when it has a member.
func (u *unit) entry(ctx context.Context, name string, input ast.Value, b *budget, late bool) (c Condition, size int, err error) {
	bodies, support, err := u.partial(ctx, name, input, b, late)
	if err != nil {
		return never, 0, err
	}
	t := newTranslator(support, late)
	var ways []Condition
	for _, body := range bodies {
		rest, used, err := u.member(name, body)
		if err != nil {
			return never, 0, err
		}
		way, err := t.body(rest, newScope())
		if err != nil {
			return never, 0, err
		}
		ways, size = append(ways, way), size+used
	}
	return or(ways...), size, nil
}

var memberVar = ast.Var("member")

func (u *unit) partial(ctx context.Context, name string, input ast.Value, b *budget, late bool) ([]ast.Body, []*ast.Module, error) {
	txn, err := emptyStore.NewTransaction(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer emptyStore.Abort(ctx, txn)
	open := unknowns
	if late {
		open = unknownAsker
	}
	ref := u.path.Append(ast.StringTerm(name)).Append(ast.NewTerm(memberVar))
	query := topdown.NewQuery(ast.NewBody(ast.NewExpr(ast.NewTerm(ref)))).WithCompiler(u.untyped).WithStore(emptyStore).
		WithTransaction(txn).WithInput(ast.NewTerm(input)).WithUnknowns(open).WithCancel(b).
		WithBuiltins(meteredFunctions).WithStrictBuiltinErrors(true).WithMetrics(metrics.NoOp())
	return query.PartialRun(ctx)
}

// member takes the member of the set out of the body and makes sure that the
// server will understand it, whatever the row: a decision refuses otherwise.
func (u *unit) member(name string, body ast.Body) (rest ast.Body, size int, err error) {
	var member *ast.Term
	for _, e := range body {
		if e.IsEquality() && e.Operand(0).Value.Compare(memberVar) == 0 {
			member = e.Operand(1)
		} else if e.IsEquality() && e.Operand(1).Value.Compare(memberVar) == 0 {
			member = e.Operand(0)
		} else {
			rest = append(rest, e)
		}
	}
	if member == nil {
		return nil, 0, cannot(nil, "what %s holds depends on the row", name)
	}
	if rest, member, err = worded(rest, member); err != nil {
		return nil, 0, err
	}
	if !ast.IsConstant(member.Value) {
		return nil, 0, cannot(member.Location, "what %s holds depends on the row", name)
	}
	v := verdict{}
	if f := v.read(ast.ObjectTerm([2]*ast.Term{ast.StringTerm(name), ast.SetTerm(member)})); f != nil {
		return nil, 0, cannot(member.Location, "%s", f.message)
	}
	return rest, len(member.Value.String()), nil
}

// short are the parts of a row that are never long.
var short = []Field{
	FieldID, FieldDomain, FieldOwner, FieldOwnerTeam, FieldClassification, FieldVisibility, FieldStatus, FieldProduct, FieldRequester, FieldPorts, FieldNow,
}

// worded puts a stand-in where a message is composed of short parts of the
// row: such a message is a text whatever the row.
func worded(body ast.Body, member *ast.Term) (ast.Body, *ast.Term, error) {
	object, ok := member.Value.(ast.Object)
	if !ok {
		return body, member, nil
	}
	message := object.Get(keyMessage)
	if message == nil || ast.IsConstant(message.Value) {
		return body, member, nil
	}
	i := slices.IndexFunc(body, func(e *ast.Expr) bool {
		return e.IsCall() && e.Operator().String() == meteredPrefix+"sprintf" && len(e.Operands()) == 3 && e.Operand(2).Equal(message)
	})
	call, inline := message.Value.(ast.Call)
	switch {
	case i >= 0:
		call = append(ast.Call{body[i].OperatorTerm()}, body[i].Operands()[:2]...)
		body = slices.Delete(slices.Clone(body), i, i+1)
	case !inline:
		return nil, nil, cannot(message.Location, "a message is composed of more than a format and short fields")
	}
	if !shortMessage(call) {
		return nil, nil, cannot(message.Location, "a message is composed of more than a format and short fields")
	}
	plain := ast.NewObject()
	object.Foreach(func(key, value *ast.Term) {
		if key.Equal(keyMessage) {
			value = ast.StringTerm(strings.Repeat("x", 1024))
		}
		plain.Insert(key, value)
	})
	return body, ast.NewTerm(plain), nil
}

func shortMessage(call ast.Call) bool {
	if call[0].String() != meteredPrefix+"sprintf" || len(call) != 3 {
		return false
	}
	format, ok := call[1].Value.(ast.String)
	args, list := call[2].Value.(*ast.Array)
	if !ok || !list || len(format) == 0 || len(format) > 512 || format[0] == '%' || wideFormat(call[1]) {
		return false
	}
	return !args.Until(func(t *ast.Term) bool {
		field, ok := rowFields[t.Value.String()]
		return !ast.IsConstant(t.Value) && (!ok || !slices.Contains(short, field))
	})
}

// Opaque tells the author of a domain's rules why their rows are asked about
// one by one: what a list takes for one row it takes for each, then.
func (s *Snapshot) Opaque(ctx context.Context, domain model.Slug) []model.PolicyProblem {
	return s.of(domain).opaque(ctx, domain)
}

// listed are the types of resource that lists are long of.
var listed = []string{"asset", "data_product"}

func (u *unit) opaque(ctx context.Context, domain model.Slug) []model.PolicyProblem {
	var problems []model.PolicyProblem
	for _, kind := range listed {
		q := Question{Action: model.ActMetadataView, Resource: Resource{Type: kind, Domain: domain}}
		err := u.translate(ctx, q.Action, q.value(), true).opaque
		if err == nil {
			u.views.mu.Lock()
			err = u.views.flags[kind]
			u.views.mu.Unlock()
		}
		if p := problemOf(err); err != nil && !slices.Contains(problems, p) {
			problems = append(problems, p)
		}
	}
	return problems
}

// checkVisible refuses a rule that promises to be a filter and is none.
func (u *unit) checkVisible(ctx context.Context) error {
	if !slices.Contains(u.defined, "visible") {
		return nil
	}
	b, timer := startBudget(ctx)
	defer timer.Stop()
	for _, kind := range append([]string{"source", "access_request", "grant"}, listed...) {
		q := Question{Action: model.ActMetadataView, Resource: Resource{Type: kind, Domain: u.domain}}
		if _, _, err := u.entry(ctx, "visible", q.value(), b, true); err != nil {
			p := problemOf(err)
			at := "policies"
			if p.File != "" {
				at = fmt.Sprintf("%s:%d", p.File, p.Line)
			}
			return &model.Error{Kind: model.KindInvalid, Code: "POLICY_INVALID", Field: at, Message: "visible must be a filter, and this is none: " + whatOf(err), Hint: p.Fix + "; or write it as allow"}
		}
	}
	return nil
}

func whatOf(err error) string {
	if o, ok := errors.AsType[*opaque](err); ok {
		return o.what
	}
	return plain(err)
}

func problemOf(err error) model.PolicyProblem {
	p := model.PolicyProblem{
		Severity: "warning", Code: "policy.row_by_row",
		Fix: "compare fields of input.resource with the asker or with constants, by ==, !=, <, in, startswith, endswith or contains",
	}
	if err == nil {
		return p
	}
	p.Message = "Lists ask about every row, because no filter can express the rules of metadata.view: " + whatOf(err) + "."
	if o, ok := errors.AsType[*opaque](err); ok && o.at != nil {
		p.File, p.Line = o.at.File, o.at.Row
	}
	return p
}
