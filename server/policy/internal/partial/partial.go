package partial

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/types"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/filter"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
	"github.com/souk-mesh/souk/server/policy/internal/verdict"
)

// The bounds of a condition. Rules beyond them are asked row by row.
const (
	maxPartialSteps = 20_000
	maxConditions   = 256 // comparisons of one package
)

// emptyStore is what rules find under data beside themselves: nothing.
var emptyStore = inmem.New() //nolint:gochecknoglobals // and nobody writes to it

// unknown is how much a partial evaluation leaves open.
type unknown struct {
	terms []*ast.Term
	late  bool // what only the asker decides is left open for good
}

var (
	rowUnknown   = unknown{terms: openFields(func(f filter.Field) bool { return !f.OfAsker() })}
	idUnknown    = unknown{terms: openFields(func(f filter.Field) bool { return !f.OfAsker() || f == filter.FieldAsker })}
	askerUnknown = unknown{terms: append(slices.Clone(rowUnknown.terms), ast.NewTerm(subjectRef), ast.NewTerm(contextRef))}
	lateUnknown  = unknown{terms: askerUnknown.terms, late: true}
)

func openFields(chosen func(filter.Field) bool) (terms []*ast.Term) {
	for name, field := range rowFields {
		if chosen(field) {
			terms = append(terms, ast.MustParseTerm(name))
		}
	}
	return terms
}

// beyond are the parts of the input that few questions have. They are left open
// first. Rules that look at them are translated as if they were not there: that
// is right for the rows of which it is so, and the others are asked about.
var beyond = func() (terms []*ast.Term) {
	for _, f := range question.Table {
		if f.Scope == question.OfNeither && f.Path != "resource.type" && strings.Count(f.Path, ".") == 1 {
			terms = append(terms, ast.MustParseTerm("input."+f.Path))
		}
	}
	return terms
}()

// anyTypes knows the functions that rules call and nothing of their operands.
var anyTypes = func() *ast.TypeEnv {
	caps := sandbox.Capabilities(false)
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

// partialCompiler gives the compiler for partial evaluations. OPA writes to the rules in
// the course of one, if only what stands there already, so these have rules of
// their own and go one at a time.
func (u *Rules) partialCompiler() (*ast.Compiler, error) {
	if u.compiled == nil {
		c, err := sandbox.CompileModules(u.Source, u.RuleFiles(), u.Lib.RuleFiles(), false)
		if err != nil {
			return nil, err
		}
		u.compiled = untyped(c)
	}
	return u.compiled, nil
}

// untyped gives a copy of the compiler that does not check types. A partial
// evaluation drops what cannot succeed by its types; but a call with the wrong
// operands fails, and the decision refuses then.
func untyped(c *ast.Compiler) *ast.Compiler {
	free := *c
	free.TypeEnv = anyTypes
	return &free
}

var meteredFunctions = func() map[string]*topdown.Builtin {
	functions := make(map[string]*topdown.Builtin, len(sandbox.Metered))
	for _, name := range sandbox.Metered {
		builtin := topdown.GetBuiltin(name)
		functions[sandbox.MeteredPrefix+name] = &topdown.Builtin{
			Decl: &ast.Builtin{Name: sandbox.MeteredPrefix + name, Decl: ast.BuiltinMap[name].Decl},
			Func: func(ctx topdown.BuiltinContext, operands []*ast.Term, yield func(*ast.Term) error) error {
				if err := sandbox.Weigh(name, operands); err != nil {
					return topdown.Halt{Err: err}
				}
				return builtin(ctx, operands, yield)
			},
		}
	}
	return functions
}()

// entriesOfView are the rules that a decision about the action hears.
func (u *Rules) entriesOfView(action model.Action) []string {
	if action == model.ActMetadataView {
		return sandbox.Without(u.Defined, "consent")
	}
	return sandbox.Without(u.Defined, "consent", "visible")
}

// translate makes conditions of the package's rules. One that cannot be
// translated leaves the others as they are: when no rule allows, nothing else counts.
func (u *Rules) translate(ctx context.Context, action model.Action, input ast.Value, open unknown) *View {
	h := u.entryInfo(action)
	p := &View{opaque: h.opaque, allowing: h.opaque}
	if p.opaque != nil {
		return p
	}
	wide := open
	wide.terms = slices.Concat(open.terms, beyond)
	left := map[string]error{} // entries that look at what few questions tell, or at something worse
	size := u.translateEach(ctx, h.entries, 0, input, wide, func(entry string, c filter.Condition, err error) {
		if left[entry] = err; err == nil {
			delete(left, entry)
			p.take(entry, c, nil)
		}
	})
	rest := slices.Sorted(maps.Keys(left))
	u.translateEach(ctx, rest, size, input, open, func(entry string, c filter.Condition, err error) {
		if err == nil {
			p.beyond = left[entry]
			p.allowingBeyond = p.allowingBeyond || allows(entry)
		}
		p.take(entry, c, err)
	})
	return p
}

// translateEach translates entry rules one by one, within one budget, and adds up
// how large their answer can be.
func (u *Rules) translateEach(ctx context.Context, entries []string, size int, input ast.Value, open unknown, take func(entry string, c filter.Condition, err error)) int {
	b, timer := sandbox.StartBudget(ctx)
	defer timer.Stop()
	b.Steps = sandbox.MaxSteps - maxPartialSteps
	for _, entry := range entries {
		c, used, err := u.entry(ctx, entry, input, b, open)
		switch {
		case err != nil && b.Why != "":
			err = cannot(nil, "its rules are too many to look at without a row")
		case err == nil && c.Size() > maxConditions:
			err = tooMany()
		}
		if size += used; err == nil && size > sandbox.MaxOutput {
			err = cannot(nil, "its answer can be larger than %d KiB", sandbox.MaxOutput>>10)
		}
		take(entry, c, err)
	}
	return size
}

func tooMany() error {
	return cannot(nil, "its rules make a filter of more than %d comparisons", maxConditions)
}

// entry evaluates one entry rule and says when it has a member.
func (u *Rules) entry(ctx context.Context, name string, input ast.Value, b *sandbox.Budget, open unknown) (c filter.Condition, size int, err error) {
	u.evaluating.Lock()
	defer u.evaluating.Unlock()
	bodies, support, err := u.partial(ctx, name, input, b, open.terms)
	if err != nil {
		return filter.Never, 0, err
	}
	t := newTranslator(support, open.late)
	var alternatives []filter.Condition
	for _, body := range bodies {
		rest, used, err := u.member(name, body)
		if err != nil {
			return filter.Never, 0, err
		}
		holds, err := t.body(rest, newScope())
		if err != nil {
			return filter.Never, 0, err
		}
		alternatives, size = append(alternatives, holds), size+used
	}
	return filter.Or(alternatives...), size, nil
}

var memberVar = ast.Var("member")

func (u *Rules) partial(ctx context.Context, name string, input ast.Value, b *sandbox.Budget, open []*ast.Term) ([]ast.Body, []*ast.Module, error) {
	compiler, err := u.partialCompiler()
	if err != nil {
		return nil, nil, err
	}
	txn, err := emptyStore.NewTransaction(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer emptyStore.Abort(ctx, txn)
	ref := u.Path.Append(ast.StringTerm(name)).Append(ast.NewTerm(memberVar))
	query := topdown.NewQuery(ast.NewBody(ast.NewExpr(ast.NewTerm(ref)))).WithCompiler(compiler).WithStore(emptyStore).
		WithTransaction(txn).WithInput(ast.NewTerm(input)).WithUnknowns(open).WithCancel(b).
		WithBuiltins(meteredFunctions).WithStrictBuiltinErrors(true).WithMetrics(metrics.NoOp())
	return query.PartialRun(ctx)
}

// member takes the member of the set out of the body and makes sure that the
// server will understand it, whatever the row: a decision refuses otherwise.
func (u *Rules) member(name string, body ast.Body) (rest ast.Body, size int, err error) {
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
	rest = slices.DeleteFunc(rest, func(e *ast.Expr) bool { return repeats(e, member) })
	if rest, member, err = stubMessage(rest, member); err != nil {
		return nil, 0, err
	}
	if name == "approvals" {
		member = stubDomain(member)
	}
	if !ast.IsConstant(member.Value) {
		return nil, 0, cannot(member.Location, "what %s holds depends on the row", name)
	}
	v := verdict.Verdict{}
	if f := v.Read(ast.ObjectTerm([2]*ast.Term{ast.StringTerm(name), ast.SetTerm(member)})); f != nil {
		return nil, 0, cannot(member.Location, "%s", f.Message)
	}
	return rest, len(member.Value.String()), nil
}

// repeats recognises what the compiler leaves beside a member that it had to
// compose: the same term once more, for nobody.
func repeats(e *ast.Expr, member *ast.Term) bool {
	if !e.IsEquality() {
		return false
	}
	v, ok := e.Operand(0).Value.(ast.Var)
	return ok && v.IsWildcard() && e.Operand(1).Equal(member)
}
