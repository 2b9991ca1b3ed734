package httpd

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/99designs/gqlgen/complexity"
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// maxCachedQuery keeps the cache of documents small whatever strangers send.
const maxCachedQuery = 16 << 10

// prepare makes a request ready to execute. The order of its checks is the
// order of their cost: tokens, shape, validity, variables, complexity, texts.
func (a *api) prepare(ctx context.Context, params *graphql.RawParams) (*graphql.OperationContext, *refusal) {
	doc, refused := a.document(ctx, params.Query)
	if refused != nil {
		return nil, refused
	}
	op := doc.Operations.ForName(params.OperationName)
	if op == nil {
		return nil, refuseDocument(CodeValidation, "the document has no operation of the name given; name one of its %d", len(doc.Operations))
	}
	variables, err := a.values.variables(op, params.Variables)
	if err != nil {
		return nil, refuseInput(err)
	}
	if n := complexity.Calculate(ctx, a.schema, op, variables); n > a.cfg.MaxComplexity {
		return nil, refuseDocument(CodeComplexity, "the operation may answer with %d objects and values; the limit is %d", n, a.cfg.MaxComplexity)
	}
	if err := a.leaks.look(op, variables); err != nil {
		return nil, refuseInput(err)
	}
	return a.operation(params, doc, op, variables), nil
}

func (a *api) operation(params *graphql.RawParams, doc *ast.QueryDocument, op *ast.OperationDefinition, variables map[string]any) *graphql.OperationContext {
	return &graphql.OperationContext{
		RawQuery: params.Query, OperationName: params.OperationName, Extensions: params.Extensions,
		Doc: doc, Operation: op, Variables: variables,
		DisableIntrospection: a.cfg.DisableIntrospection, RecoverFunc: a.recover,
		ResolverMiddleware:     func(ctx context.Context, next graphql.Resolver) (any, error) { return next(ctx) },
		RootResolverMiddleware: func(ctx context.Context, next graphql.RootResolver) graphql.Marshaler { return next(ctx) },
	}
}

// document parses, bounds and validates a query, and remembers those that passed.
func (a *api) document(ctx context.Context, query string) (*ast.QueryDocument, *refusal) {
	if doc, ok := a.documents.Get(ctx, query); ok {
		return doc, nil
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: query}, a.cfg.MaxTokens)
	if err != nil {
		return nil, a.refuseParse(err)
	}
	if len(doc.Operations) == 0 {
		return nil, refuseDocument(CodeValidation, "the document has no operation")
	}
	if refused := a.cfg.survey(ctx, doc, a.described).bound(doc); refused != nil {
		return nil, refused
	}
	if list := validator.ValidateWithRules(a.schema.Schema(), doc, rules.NewDefaultRules()); len(list) > 0 {
		return nil, refuseErrors(CodeValidation, list)
	}
	if list := a.values.literals(doc); len(list) > 0 {
		return nil, &refusal{status: http.StatusBadRequest, code: CodeInput, document: true, errors: list[:min(len(list), maxErrors)]}
	}
	if len(query) <= maxCachedQuery {
		a.documents.Add(ctx, query, doc)
	}
	return doc, nil
}

// refuseParse tells the token limit from the other ways to fail; the parser
// has no error of its own for it.
func (a *api) refuseParse(err error) *refusal {
	if strings.Contains(err.Error(), "exceeded token limit") {
		return refuseDocument(CodeTokens, "the document has more than %d tokens", a.cfg.MaxTokens)
	}
	return refuseErrors(CodeParse, listOf(err))
}

func listOf(err error) gqlerror.List {
	if e, ok := errors.AsType[*gqlerror.Error](err); ok {
		return gqlerror.List{e}
	}
	return gqlerror.List{{Message: err.Error()}}
}
