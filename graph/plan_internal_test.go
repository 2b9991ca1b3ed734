package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/souk-mesh/souk/graph/model"
)

// stubs answer the fields that are links: some with a record, some with none,
// some with an error, as a field that is hidden from the viewer does.
type stubs struct{ ResolverRoot }

func (stubs) Asset() AssetResolver                   { return assetStub{} }
func (stubs) AssetField() AssetFieldResolver         { return fieldStub{} }
func (stubs) DataProduct() DataProductResolver       { return productStub{} }
func (stubs) DecisionRecord() DecisionRecordResolver { return recordStub{} }

type (
	assetStub   struct{ AssetResolver }
	fieldStub   struct{ AssetFieldResolver }
	productStub struct{ DataProductResolver }
	recordStub  struct{ DecisionRecordResolver }
)

var errHidden = errors.New("is hidden from you")

func linked(of string) (*model.Domain, error) {
	switch len(of) % 3 {
	case 0:
		return nil, nil
	case 1:
		return &model.Domain{Meta: model.Meta{ID: "dom_1", CreatedAt: time.Unix(1, 0).UTC()}, Name: "sales"}, nil
	default:
		return nil, errHidden
	}
}

func (assetStub) Domain(_ context.Context, a *model.Asset) (*model.Domain, error) {
	return linked(a.Name)
}

func (assetStub) Properties(_ context.Context, a *model.Asset) ([]*Property, error) {
	if len(a.Name)%2 == 0 {
		return nil, errHidden // of a field that may not be null: the row goes, and the list with it
	}
	return []*Property{{Name: a.Name, Value: a.Platform}}, nil
}

func (fieldStub) Meta(_ context.Context, f *model.AssetField) ([]*Property, error) {
	if len(f.Name) == 9 {
		return nil, errHidden
	}
	return []*Property{{Name: f.Name}}, nil
}

func (fieldStub) DescribedBy(context.Context, *model.AssetField) (*model.Source, error) {
	return nil, errHidden
}

func (productStub) Domain(_ context.Context, p *model.DataProduct) (*model.Domain, error) {
	return linked(p.DisplayName)
}

func (recordStub) Input(_ context.Context, r *model.DecisionRecord) (json.RawMessage, error) {
	if len(r.RequestID)%2 == 0 {
		return nil, errHidden
	}
	return json.RawMessage(`{"a": 1}`), nil
}

// unstubbed are links that the stubs do not answer.
var unstubbed = []string{
	"Asset.parent", "Asset.describedBy", "Asset.children", "Asset.aliases", "Asset.qualityRules", "Asset.lineage", "Asset.findings", "Asset.sightings", "Asset.usage",
	"DataProduct.owner", "DataProduct.ownerTeam", "DataProduct.viewerCan", "DataProduct.ports", "DataProduct.consents", "DataProduct.unconsentedAssets",
	"DataProduct.alsoOfferedBy", "DataProduct.proposedChange", "DataProduct.successor", "DataProduct.findings", "DataProduct.scorecard",
	"Domain.domain", "Domain.parent", "Domain.stewards", "Domain.proposedChange", "Domain.viewerCan", "Domain.scorecard",
	"DecisionRecord.principal", "DecisionRecord.askedBy", "Decision.obligations", "CatalogEntity.domain",
}

// asker writes random selections of any type of the schema.
type asker struct {
	*rand.Rand
	schema *ast.Schema
	frags  []string
	rare   float64 // how often a field that no plan knows may be asked for
}

func (a *asker) selection(of *ast.Definition, depth int) string {
	var b strings.Builder
	b.WriteString("{ ")
	for range 1 + a.IntN(7) {
		b.WriteString(a.one(of, depth) + " ")
	}
	return b.String() + "__typename }"
}

func (a *asker) one(of *ast.Definition, depth int) string {
	if of.IsAbstractType() && a.IntN(2) == 0 {
		kinds := []string{"Asset", "DataProduct", "Domain"}
		on := a.schema.Types[kinds[a.IntN(3)]]
		return "... on " + on.Name + a.condition() + a.selection(on, depth-1)
	}
	f := of.Fields[a.IntN(len(of.Fields))]
	child := a.schema.Types[f.Type.Name()]
	isPlain := child.Kind == ast.Scalar || child.Kind == ast.Enum
	if strings.HasPrefix(f.Name, "__") || slices.Contains(unstubbed, of.Name+"."+f.Name) || !isPlain && depth <= 0 ||
		slices.Contains(links, of.Name+"."+f.Name) && a.Float64() > a.rare {
		return "__typename"
	}
	text := f.Name
	if a.IntN(3) == 0 {
		text = fmt.Sprintf("%s_%s%d: %s", strings.ToLower(of.Name), f.Name, a.IntN(2), f.Name)
	}
	text += a.condition()
	if !isPlain {
		text += a.selection(child, depth-1)
	}
	switch a.IntN(8) {
	case 0:
		return "... on " + of.Name + a.condition() + " { " + text + " }"
	case 1:
		return "... " + a.condition() + " { " + text + " }"
	case 2:
		name := fmt.Sprintf("part%d", len(a.frags))
		a.frags = append(a.frags, "fragment "+name+" on "+of.Name+" { "+text+" }")
		return "..." + name + a.condition()
	}
	return text
}

// links are fields that no plan knows.
var links = []string{"Asset.domain", "Asset.properties", "AssetField.meta", "AssetField.describedBy", "DataProduct.domain", "DecisionRecord.input"}

func (a *asker) condition() string {
	if a.IntN(5) > 0 {
		return ""
	}
	return []string{" @include(if: $yes)", " @include(if: $no)", " @skip(if: $yes)", " @skip(if: $no)", " @include(if: $yes) @skip(if: $no)"}[a.IntN(5)]
}

func (a *asker) word() string {
	words := []string{"", "orders", "größe", "a\"b", `c\d`, "tab\tnew\nline\r", "\x00\x1f\x7f", "\u2028<&>", "broken \xff utf-8", "日本"}
	return words[a.IntN(len(words))]
}

func (a *asker) words() []string {
	list := make([]string, a.IntN(3))
	for i := range list {
		list[i] = a.word()
	}
	return list
}

func (a *asker) moment() *time.Time {
	at := time.Unix(a.Int64N(2e9), a.Int64N(3)*1e6).UTC()
	if a.IntN(9) == 0 {
		at = time.Time{}
	}
	return []*time.Time{nil, &at}[a.IntN(2)]
}

// holes is how often a row lacks what the schema promises, one in so many.
const holes = 30

func (a *asker) meta() model.Meta {
	m := model.Meta{ID: "ast_1", Revision: model.Revision(a.IntN(9)), CreatedAt: time.Unix(a.Int64N(2e9), 5e6).UTC(), UpdatedAt: time.Unix(a.Int64N(2e9), 0).UTC()}
	switch a.IntN(holes) {
	case 0:
		m.ID = ""
	case 1:
		m.CreatedAt = time.Time{}
	}
	return m
}

func (a *asker) asset() *model.Asset {
	kinds := []model.AssetKind{"TABLE", "SPOON", "VIEW"}
	if a.IntN(holes) == 0 {
		kinds[0] = ""
	}
	v := &model.Asset{
		Meta: a.meta(), Namespace: a.word(), Name: a.word(), ShortName: a.word(), Kind: kinds[a.IntN(3)], Status: model.AssetStatus(a.word()), Platform: a.word(),
		Description: a.word(), Owners: a.words(), OwnerRoles: a.words(), Tags: a.words(), RetiredAt: a.moment(),
	}
	v.Definition, v.DefinitionLanguage, v.ChangedAt = a.word(), a.word(), a.moment()
	if n := a.Int64(); n%2 == 0 {
		v.Rows, v.Bytes = &n, &n
	}
	for range a.IntN(4) {
		v.Fields = append(v.Fields, model.AssetField{
			Name: a.word(), Position: a.IntN(9), NativeType: a.word(), Nullable: a.IntN(2) == 0, Description: a.word(),
			PrimaryKey: a.IntN(3), DefaultValue: a.word(), Tags: a.words(), Values: a.words(),
		})
	}
	return v
}

func (a *asker) product() *model.DataProduct {
	return &model.DataProduct{
		Meta: a.meta(), Name: model.Slug(a.word()), DisplayName: a.word(), Description: a.word(), BusinessContext: a.word(), Tags: a.words(), Visibility: "COMPANY",
		Classification: []model.Classification{"PUBLIC", "INTERNAL"}[a.IntN(2)], Status: model.ProductStatus(a.word()), PublishedAt: a.moment(), DeprecatedAt: a.moment(),
	}
}

func (a *asker) noun() model.Noun {
	switch a.IntN(4) {
	case 0:
		return nil
	case 1:
		return a.product()
	case 2:
		return &model.Domain{Meta: a.meta(), Name: model.Slug(a.word()), DisplayName: a.word(), Description: a.word()}
	default:
		return a.asset()
	}
}

func (a *asker) record() *model.DecisionRecord {
	r := &model.DecisionRecord{
		Meta: a.meta(), At: time.Unix(a.Int64N(2e9), 0).UTC(), Action: model.Action(a.word()), PrincipalID: "prn_1", AskedBy: model.ID(a.word()), ResourceID: model.ID(a.word()),
		Domain: model.Slug(a.word()), Outcome: model.Outcome(a.word()), RequestID: a.word(), Masked: a.words(), Seq: a.Int64(),
		Decision: model.Decision{ID: model.ID(a.word()), Outcome: "ALLOW", Reasons: []model.Reason{{Code: a.word(), Message: a.word(), Origin: a.word()}}},
	}
	if a.IntN(2) == 0 {
		r.List = &model.DecisionList{Kind: a.word(), Asked: a.IntN(9)}
	}
	return r
}

func some[T any](a *asker, one func() T) []T {
	rows := make([]T, a.IntN(4))
	for i := range rows {
		rows[i] = one()
	}
	return rows
}

// page is one root field with an answer to it, in the way of the generated code.
type page struct {
	field, typename string
	write           func(*executionContext, context.Context, ast.SelectionSet) graphql.Marshaler
}

func (a *asker) page() page {
	switch a.IntN(4) {
	case 0:
		c := &AssetConnection{Nodes: some(a, a.asset), PageInfo: &PageInfo{}}
		for _, n := range c.Nodes {
			c.Edges = append(c.Edges, &AssetEdge{Cursor: a.word(), Node: n})
		}
		return page{"assets(first: 1)", "AssetConnection", func(ec *executionContext, ctx context.Context, set ast.SelectionSet) graphql.Marshaler {
			return ec._AssetConnection(ctx, set, c)
		}}
	case 1:
		c := &DataProductConnection{Nodes: some(a, a.product), PageInfo: &PageInfo{}}
		for _, n := range c.Nodes {
			c.Edges = append(c.Edges, &DataProductEdge{Cursor: a.word(), Node: n})
		}
		return page{"dataProducts(first: 1)", "DataProductConnection", func(ec *executionContext, ctx context.Context, set ast.SelectionSet) graphql.Marshaler {
			return ec._DataProductConnection(ctx, set, c)
		}}
	case 2:
		c := &DecisionRecordConnection{Nodes: some(a, a.record), PageInfo: &PageInfo{}}
		for _, n := range c.Nodes {
			c.Edges = append(c.Edges, &DecisionRecordEdge{Cursor: a.word(), Node: n})
		}
		return page{"decisions(first: 1)", "DecisionRecordConnection", func(ec *executionContext, ctx context.Context, set ast.SelectionSet) graphql.Marshaler {
			return ec._DecisionRecordConnection(ctx, set, c)
		}}
	default:
		c := &SearchConnection{PageInfo: &PageInfo{}}
		c.Nodes = some(a, func() *SearchHit {
			return &SearchHit{Entity: a.noun(), Score: []float64{0, 1, 1.0 / 3, 1e21, math.Copysign(0, -1)}[a.IntN(5)], Matched: a.words()}
		})
		for _, n := range c.Nodes {
			c.Edges = append(c.Edges, &SearchEdge{Cursor: a.word(), Node: n})
		}
		return page{"search(query: \"x\", first: 1)", "SearchConnection", func(ec *executionContext, ctx context.Context, set ast.SelectionSet) graphql.Marshaler {
			return ec._SearchConnection(ctx, set, c)
		}}
	}
}

// answer is what an execution of a query gives: its bytes and its errors.
func answer(t *testing.T, e *executableSchema, query string, p page, generated bool) (string, []string) {
	t.Helper()
	doc, list := gqlparser.LoadQueryWithRules(e.Schema(), query, rules.NewDefaultRules())
	if list != nil {
		return "", nil // such as the same key for two things
	}
	op := &graphql.OperationContext{
		Doc: doc, Operation: doc.Operations[0], Variables: map[string]any{"yes": true, "no": false}, RecoverFunc: graphql.DefaultRecover,
		ResolverMiddleware: func(ctx context.Context, next graphql.Resolver) (any, error) { return next(ctx) },
	}
	ctx := graphql.WithResponseContext(graphql.WithOperationContext(t.Context(), op), graphql.DefaultErrorPresenter, graphql.DefaultRecover)
	if generated {
		ctx = context.WithValue(ctx, generatedOnly{}, true)
	}
	root := graphql.CollectFields(op, doc.Operations[0].SelectionSet, []string{"Query"})[0]
	ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{Object: "Query", Field: root})
	var out bytes.Buffer
	p.write(newExecutionContext(op, e, make(chan graphql.DeferredResult)), ctx, root.Selections).MarshalGQL(&out)
	var told []string
	for _, err := range graphql.GetErrors(ctx) {
		told = append(told, err.Path.String()+": "+err.Message)
	}
	slices.Sort(told) // rows fail at the same time
	return out.String(), told
}

// TestPlannedEqualsGenerated compares the two ways to write lists, byte for byte
// and error for error, on 10,000 random queries over random rows.
func TestPlannedEqualsGenerated(t *testing.T) {
	e := NewExecutableSchema(Config{Resolvers: stubs{}}).(*executableSchema)
	schema := e.Schema()
	compared, failed := 0, 0
	for seed := uint64(0); compared < 10_000; seed++ {
		a := &asker{Rand: rand.New(rand.NewPCG(seed, 1)), schema: schema, rare: []float64{0, 0.1, 0.5}[seed%3]}
		p := a.page()
		query := "query($yes: Boolean!, $no: Boolean!) { " + p.field + " @skip(if: $no) @include(if: $yes) " + a.selection(schema.Types[p.typename], 4) + " } " + strings.Join(a.frags, " ")
		got, told := answer(t, e, query, p, false)
		if got == "" {
			continue
		}
		want, wanted := answer(t, e, query, p, true)
		if got != want || !slices.Equal(told, wanted) {
			t.Fatalf("seed %d: %s\ngot  %s %q\nwant %s %q", seed, query, got, told, want, wanted)
		}
		if compared++; told != nil {
			failed++
		}
	}
	if failed < 500 {
		t.Errorf("only %d of %d queries ended with an error", failed, compared)
	}
}

// TestWhatIsPlanned: plain lists are, and what follows a link is not, though the
// plain lists below it are.
func TestWhatIsPlanned(t *testing.T) {
	for query, want := range map[string]bool{
		`{ assets(first: 1) { nodes { id name fields { name tags } } } }`:                          true,
		`{ assets(first: 1) { edges { cursor node { id } } } }`:                                    true,
		`{ assets(first: 1) { nodes { id domain { name } } } }`:                                    false,
		`{ assets(first: 1) { nodes { ...a } } } fragment a on Asset { fields { meta { name } } }`: false,
		`{ assets(first: 1) { nodes { ... @defer { id } } } }`:                                     false,
	} {
		ctx, ec, set := field(t, query, nil)
		rows := []*model.Asset{{Meta: model.Meta{ID: "ast_1"}, Fields: []model.AssetField{{Name: "a"}}}}
		op := ec.OperationContext
		list := graphql.CollectFields(op, set, []string{"AssetConnection"})[0]
		var out graphql.Marshaler
		if list.Name == "edges" {
			out = plannedPointers(ctx, op, list.Selections, []*AssetEdge{{Node: rows[0]}}, assetEdgeImplementors, assetEdgeColumn)
		} else {
			out = plannedPointers(ctx, op, list.Selections, rows, assetImplementors, assetColumn)
		}
		if (out != nil) != want {
			t.Errorf("%s: planned %v", query, out != nil)
		}
	}
}

// BenchmarkPage writes 100 assets of 11 columns in the two ways, and by the
// encoder of the standard library.
func BenchmarkPage(b *testing.B) {
	rows := make([]*model.Asset, 100)
	plain := make([]plainAsset, len(rows))
	for i := range rows {
		a := &model.Asset{Meta: model.Meta{ID: "ast_0000001"}, Name: "shop.schema_01.table_000001"}
		p := plainAsset{ID: string(a.ID), Name: a.Name}
		for c := range 11 {
			f := model.AssetField{Name: fmt.Sprintf("column_%02d", c), NativeType: "character varying(64)", Nullable: c > 0}
			a.Fields, p.Fields = append(a.Fields, f), append(p.Fields, plainField{f.Name, f.NativeType, f.Nullable})
		}
		rows[i], plain[i] = a, p
	}
	c := &AssetConnection{Nodes: rows}
	ctx, ec, set := field(b, `{ assets(first: 100) { nodes { id name fields { name nativeType isNullable } } } }`, nil)
	run := func(name string, write func(*bytes.Buffer)) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var out bytes.Buffer
				write(&out)
			}
		})
	}
	run("planned", func(out *bytes.Buffer) { ec._AssetConnection(ctx, set, c).MarshalGQL(out) })
	run("generated", func(out *bytes.Buffer) {
		ec._AssetConnection(context.WithValue(ctx, generatedOnly{}, true), set, c).MarshalGQL(out)
	})
	run("encoding", func(out *bytes.Buffer) { _ = json.NewEncoder(out).Encode(plain) })
}

type plainAsset struct {
	ID     string       `json:"id"`
	Name   string       `json:"name"`
	Fields []plainField `json:"fields"`
}

type plainField struct {
	Name       string `json:"name"`
	NativeType string `json:"nativeType"`
	IsNullable bool   `json:"isNullable"`
}
