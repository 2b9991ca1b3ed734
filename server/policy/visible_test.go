package policy_test

import (
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/policies"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/policy/policytest"
)

var rounds = flag.Int("visible.rounds", 150, "how many made-up policies the filters are held against")

// TestVisibleAgreesWithDecide holds conditions against row decisions: for
// made-up rules, askers and rows the two must never differ.
func TestVisibleAgreesWithDecide(t *testing.T) {
	e := engine(t)
	translated, rows, seen := 0, 0, 0
	n := *rounds
	if testing.Short() {
		n /= 5
	}
	for round := range n {
		r := rand.New(rand.NewPCG(1, uint64(round)))
		modules := policytest.Domain(r, "sales", round%3 == 0)
		if _, err := e.Activate(t.Context(), policy.Draft{Domain: "sales", Modules: modules}); err != nil {
			t.Fatalf("%v\n%s", err, modules[0].Text)
		}
		s := e.Snapshot()
		for range 6 {
			kind := []string{"data_product", "asset", "grant", "access_request"}[r.IntN(4)]
			q := policy.Question{Action: model.ActMetadataView, Subject: policytest.Subject(r), Context: policy.Context{Now: policytest.Noon, Channel: "graphql"}}
			q.Resource.Type = kind
			view := s.View(t.Context(), q)
			for range 12 {
				q.Resource, q.Facts = policytest.Resource(r, kind, ""), policytest.Facts(r)
				want := s.Decide(t.Context(), q)
				c := view.Of(q.Resource.Domain)
				if rows++; c == nil {
					continue
				}
				translated++
				if want.Allowed() {
					seen++
				}
				if got := c.Holds(&q); got != want.Allowed() {
					t.Fatalf("round %d: the filter says %t, the decision %s %v\n%s\n%s\n%+v", round, got, want.Outcome, want.Reasons, q.Input(), modules[0].Text, c)
				}
			}
		}
	}
	t.Logf("%d of %d rows by a filter, %d of them visible", translated, rows, seen)
	if translated < rows*3/4 || seen < rows/10 {
		t.Error("the test hardly tests anything")
	}
}

// look asks for the condition over one domain's rows.
func lookAt(tb testing.TB, e *policy.Engine, s policy.Subject, kind string, domain model.Slug) (policy.Condition, bool) {
	tb.Helper()
	return e.Snapshot().Visible(tb.Context(), policy.Question{
		Action: model.ActMetadataView, Subject: s, Resource: policy.Resource{Type: kind, Domain: domain}, Context: policy.Context{Now: noon, Channel: "graphql"},
	})
}

// TestVisibleKnowsWhenNothingIsLeft looks at conditions that need no row.
func TestVisibleKnowsWhenNothingIsLeft(t *testing.T) {
	e := engine(t)
	if c, ok := lookAt(t, e, cy, "asset", "sales"); !ok || !c.Always() {
		t.Errorf("an administrator: %t %+v", ok, c)
	}
	gone := bo
	gone.Suspended = true
	if c, ok := lookAt(t, e, gone, "asset", "sales"); !ok || !c.Never() {
		t.Errorf("the suspended: %t %+v", ok, c)
	}
	if c, ok := lookAt(t, e, bo, "asset", "sales"); !ok || c.Always() || c.Never() || !c.Reads(policy.FieldExposed) || c.Reads(policy.FieldDomain) {
		t.Errorf("a stranger: %t %+v", ok, c)
	}
	if _, ok := e.Snapshot().Visible(t.Context(), ask(bo, model.ActDataRead, orders)); ok {
		t.Error("data.read has consent in it and cannot be a filter")
	}
	if c, ok := e.Snapshot().Visible(t.Context(), ask(bo, "nothing.known", orders)); !ok || !c.Never() {
		t.Error("an unknown action is allowed")
	}
}

func draft(body string) policy.Draft {
	text := "package souk.domains.sales\n\nimport rego.v2\n\n" + body
	return policy.Draft{Domain: "sales", Modules: []model.PolicyModule{{Path: "domains/sales/access.rego", Text: text}}}
}

// TestVisibleRule hears the entry rule of that name beside allow, and only
// when metadata is looked at.
func TestVisibleRule(t *testing.T) {
	e := engine(t)
	if _, err := e.Activate(t.Context(), draft(`visible contains {"code": "v", "message": "m"} if "revenue" in input.resource.tags`)); err != nil {
		t.Fatal(err)
	}
	hidden := with(orders, func(r *policy.Resource) { r.Visibility = model.VisibleToDomain })
	for _, r := range []policy.Resource{hidden, with(hidden, func(r *policy.Resource) { r.Tags = nil })} {
		q := ask(bo, model.ActMetadataView, r)
		want := len(r.Tags) > 0
		if got := e.Snapshot().Decide(t.Context(), q).Allowed(); got != want {
			t.Errorf("tags %v: decided %t", r.Tags, got)
		}
		if c, ok := lookAt(t, e, bo, "data_product", "sales"); !ok || c.Holds(&q) != want {
			t.Errorf("tags %v: filter %t", r.Tags, !want)
		}
	}
	if e.Snapshot().Decide(t.Context(), ask(bo, model.ActProductUpdate, hidden)).Allowed() {
		t.Error("visible opens more than looking")
	}
}

// TestVisibleRuleMustBeAFilter refuses a visible that is none, and flags an
// allow that is none.
func TestVisibleRuleMustBeAFilter(t *testing.T) {
	e := engine(t)
	body := `if {
	regex.match("^o", input.resource.name)
}`
	_, err := e.Activate(t.Context(), draft(`visible contains {"code": "v", "message": "m"} `+body))
	if !model.Is(err, model.KindInvalid) || !strings.Contains(err.Error(), "domains/sales/access.rego:6") || !strings.Contains(err.Error(), "regex.match") {
		t.Errorf("got %v", err)
	}
	if _, problems := e.Check(t.Context(), template(t, "sales")); slices.ContainsFunc(problems, isRowByRow) {
		t.Errorf("the template is flagged: %+v", problems)
	}
	slow := draft(`allow contains {"code": "v", "message": "m"} ` + body)
	if _, err := e.Activate(t.Context(), slow); err != nil {
		t.Fatal(err)
	}
	_, problems := e.Check(t.Context(), slow)
	problems = slices.DeleteFunc(problems, func(p model.PolicyProblem) bool { return !isRowByRow(p) })
	if len(problems) != 1 || problems[0].Line != 6 || problems[0].Severity != "warning" || !strings.Contains(problems[0].Message, "regex.match") {
		t.Errorf("got %+v", problems)
	}
	if _, ok := lookAt(t, e, bo, "asset", "sales"); ok {
		t.Error("regex.match became a filter")
	}
	if _, ok := lookAt(t, e, bo, "asset", "marketing"); !ok {
		t.Error("another domain suffers")
	}
}

func isRowByRow(p model.PolicyProblem) bool { return p.Code == "policy.row_by_row" }

// TestOpaqueLeavesTheAskerOpen flags nothing that only the asker decides.
func TestOpaqueLeavesTheAskerOpen(t *testing.T) {
	for _, body := range []string{
		`count(input.subject.steward_of) > 0`,
		`regex.match("^o", input.subject.name)`,
		`input.resource.owner_team in input.subject.teams`,
		`some team in input.subject.teams; startswith(input.resource.name, team)`,
		`lower(input.resource.name) == lower(input.subject.name)`,
	} {
		e := engine(t)
		if _, err := e.Activate(t.Context(), draft(fmt.Sprintf(`visible contains {"code": "v", "message": "m"} if { %s }`, body))); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// template drafts the template's rules as the domain's own.
func template(tb testing.TB, domain model.Slug) policy.Draft {
	tb.Helper()
	d := policy.Draft{Domain: domain}
	for _, name := range []string{"access", "product", "visibility"} {
		text, err := fs.ReadFile(policies.Files, "template/"+name+".rego")
		if err != nil {
			tb.Fatal(err)
		}
		d.Modules = append(d.Modules, model.PolicyModule{
			Path: fmt.Sprintf("domains/%s/%s.rego", domain, name), Text: strings.ReplaceAll(string(text), "package souk.template", "package souk.domains."+string(domain)),
		})
	}
	return d
}

// BenchmarkView is a view over fifty domains with rules of their own.
func BenchmarkView(b *testing.B) {
	e := engine(b)
	for i := range 50 {
		domain := model.Slug(fmt.Sprintf("d%d", i))
		d := template(b, domain)
		if _, err := e.Activate(b.Context(), d); err != nil {
			b.Fatal(err)
		}
	}
	q := policy.Question{Action: model.ActMetadataView, Subject: bo, Resource: policy.Resource{Type: "asset"}, Context: policy.Context{Now: noon, Channel: "graphql"}}
	n := 0
	for name, change := range map[string]func(*policy.Subject, int){
		"first":     func(s *policy.Subject, i int) { s.Domain = model.Slug(fmt.Sprint("of", i)) },          // of a kind that no package knows
		"stranger":  func(s *policy.Subject, i int) { s.Teams = []string{fmt.Sprint("team", i)} },           // nobody alike was seen before
		"colleague": func(s *policy.Subject, i int) { s.ID, s.Name = model.ID(fmt.Sprint("prn_", i)), "x" }, // one of the same teams and roles
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				n++
				change(&q.Subject, n)
				e.Snapshot().View(b.Context(), q)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/52, "us/package")
		})
	}
	b.Run("warm", func(b *testing.B) {
		for b.Loop() {
			e.Snapshot().View(b.Context(), q)
		}
	})
	b.Run("row", func(b *testing.B) {
		c := e.Snapshot().View(b.Context(), q).Of("d7")
		row := ask(bo, model.ActMetadataView, with(orders, func(r *policy.Resource) { r.Type = "asset" }))
		for b.Loop() {
			c.Holds(&row)
		}
	})
}

// TestBrokenRulesRefuseInListsToo looks at a call that fails on every row: the
// decision refuses then, and so must the filter, or say that it knows nothing.
func TestBrokenRulesRefuseInListsToo(t *testing.T) {
	e := engine(t)
	if _, err := e.Activate(t.Context(), draft(`deny contains {"code": "d", "message": "m"} if startswith(input.resource.name, _begins[input.resource.status])

_begins := {"PUBLISHED": 5, "RETIRED": "x"}
`)); err != nil {
		t.Fatal(err)
	}
	q := ask(bo, model.ActMetadataView, orders)
	if d := e.Snapshot().Decide(t.Context(), q); d.Allowed() {
		t.Fatalf("decided %v", d)
	}
	if c, ok := lookAt(t, e, bo, "data_product", "sales"); ok && c.Holds(&q) {
		t.Error("the filter shows what the decision refuses")
	}
}
