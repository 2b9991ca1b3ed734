package noun

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/souk-mesh/souk/server/cmd/souk/internal/remote"
)

// TestEveryMutationHasACommand: one of the noun's, or one that is named with its
// command. A new mutation that reads as a verb and a noun needs nothing here.
func TestEveryMutationHasACommand(t *testing.T) {
	schema := Schema()
	acts, lost := Acts(schema)
	for _, name := range lost {
		t.Errorf("no command sends %s: call it by a verb and a noun, or give it a row in placed or elsewhere", name)
	}
	sent := map[string]bool{}
	for _, a := range acts {
		sent[a.Mutation()] = true
	}
	count := 0
	for _, f := range schema.Mutation.Fields {
		if strings.HasPrefix(f.Name, "__") {
			continue
		}
		if count++; sent[f.Name] == (elsewhere[f.Name] != "") {
			t.Errorf("%s has no command, or two", f.Name)
		}
	}
	if count < 50 {
		t.Errorf("the schema has %d mutations: the test holds nothing", count)
	}
	for name := range placed {
		if schema.Mutation.Fields.ForName(name) == nil {
			t.Errorf("a row speaks of %s, and there is no such mutation", name)
		}
	}
	for name := range elsewhere {
		if schema.Mutation.Fields.ForName(name) == nil {
			t.Errorf("a row speaks of %s, and there is no such mutation", name)
		}
	}
}

// TestNounsHaveTheListsOfTheSchema: a list without a noun could not be read from
// a command line, and a Node is found by one.
func TestNounsHaveTheListsOfTheSchema(t *testing.T) {
	without := map[string]string{"search": "finds what other lists have", "policyDifferences": "policy impact shows them"}
	shown := map[string]string{"PolicyRevision": "with its proposal"}
	schema := Schema()
	lists, types := map[string]bool{}, map[string]bool{}
	for _, n := range All() {
		lists[n.List], types[n.Type] = true, true
	}
	for _, f := range schema.Query.Fields {
		if _, none := without[f.Name]; f.Arguments.ForName("first") != nil && lists[f.Name] == none {
			t.Errorf("%s: give the list a noun in All, or say in without why it needs none", f.Name)
		}
	}
	for _, d := range schema.GetPossibleTypes(schema.Types["Node"]) {
		if !types[d.Name] && shown[d.Name] == "" {
			t.Errorf("%s: give the type a noun in All", d.Name)
		}
	}
}

// TestOperations: what the acts send is valid, and no two have the same words.
func TestOperations(t *testing.T) {
	schema := Schema()
	acts, _ := Acts(schema)
	met := map[string]bool{}
	for _, a := range acts {
		words := a.Noun.Word + " " + a.Verb
		if met[words] {
			t.Errorf("souk %s is twice", words)
		}
		met[words] = true
		if _, errs := gqlparser.LoadQueryWithRules(schema, a.operation(), nil); len(errs) > 0 {
			t.Errorf("souk %s: %v in %s", words, errs, a.operation())
		}
		if a.Summary == "" {
			t.Errorf("souk %s says nothing of itself", words)
		}
		flags := map[string]bool{}
		for _, f := range slices.Concat(a.Arguments, a.Flags) {
			if flags[f.Flag] || f.About == "" {
				t.Errorf("souk %s: --%s is twice, or says nothing", words, f.Flag)
			}
			flags[f.Flag] = true
		}
	}
}

// TestDefaults: what the schema says where nothing is said need not be said, and
// what it does not say has to be where it may not lack.
func TestDefaults(t *testing.T) {
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: `
		type Query { teams(first: Int!, after: String, filter: TeamFilter, days: Int! = 30, since: Int!): String }
		input TeamFilter { all: Boolean! = true, kind: Kind! = OLD }
		enum Kind { OLD NEW }
		type Mutation { editTeam(input: EditTeamInput!): String }
		input EditTeamInput { id: ID!, isQuiet: Boolean! = false, isOn: Boolean!, isLoud: Boolean, depth: Int! = 3, kind: Kind! = NEW, names: [String!]! = [], words: [String!]! }`})
	acts, _ := Acts(schema)
	want := map[string]string{
		"list all": "optional true", "list kind": "optional OLD", "list days": "optional 30", "list since": "required ",
		"edit quiet": "optional false", "edit on": "required ", "edit loud": "optional ", "edit depth": "optional 3", "edit kind": "optional NEW", "edit names": "optional ", "edit words": "required ",
	}
	got := map[string]string{}
	for _, a := range acts {
		for _, f := range a.Flags {
			got[a.Verb+" "+f.Flag] = map[bool]string{true: "required ", false: "optional "}[f.Required] + f.Default
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if i := slices.IndexFunc(acts, Act.Lists); !strings.Contains(acts[i].declared(), "$days: Int! = 30, $since: Int!") {
		t.Error(acts[i].declared())
	}
}

// TestColumns: what tables show is what lists ask for.
func TestColumns(t *testing.T) {
	acts, _ := Acts(Schema())
	nouns := map[string]bool{}
	for _, a := range acts {
		if !a.list {
			continue
		}
		nouns[a.Noun.Word] = true
		asked := " " + a.selection(a.row(), false) + " "
		for _, c := range a.Noun.Columns {
			name, inner, nested := strings.Cut(c, ".")
			want := " " + name + " "
			if nested {
				want += "{ id " + inner + " "
			}
			if !strings.Contains(asked, want) {
				t.Errorf("souk %s list asks for no %s: %s", a.Noun.Word, c, asked)
			}
		}
		if a.row().Name != a.Noun.Type {
			t.Errorf("%s lists %s", a.Noun.Word, a.row().Name)
		}
	}
	for _, n := range All() {
		if !nouns[n.Word] {
			t.Errorf("%s has no list: there is no query %s", n.Word, n.List)
		}
	}
}

// TestWords of flags and summaries.
func TestWords(t *testing.T) {
	for name, want := range map[string]string{
		"domainId": "domain", "stewardIds": "stewards", "ownerTeamId": "owner-team", "isPaused": "paused", "isOn": "on",
		"allowsRetireAll": "allows-retire-all", "id": "id", "ids": "ids", "displayName": "display-name",
	} {
		if got := flagOf(name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	for text, want := range map[string]string{
		"Makes a domain. Only administrators do.": "makes a domain",
		"The name, such as ana@sales":             "the name, such as ana@sales",
		"URL of it.":                              "URL of it",
	} {
		if got := firstSentence(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// TestListReadsEveryPage gives ten thousand rows, each once, and no more than
// the caller wants.
func TestListReadsEveryPage(t *testing.T) {
	const many = 10_000
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		var body struct {
			Variables struct {
				First  int
				After  *string
				Filter map[string]any
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || body.Variables.Filter["parentId"] != "dom_x" {
			t.Errorf("%v in %+v", err, body)
		}
		begin := 0
		if body.Variables.After != nil {
			begin, _ = strconv.Atoi(*body.Variables.After)
		}
		end := min(begin+body.Variables.First, many)
		rows := make([]string, 0, end-begin)
		for i := begin; i < end; i++ {
			rows = append(rows, fmt.Sprintf(`{"name":"d%d"}`, i))
		}
		fmt.Fprintf(w, `{"data":{"domains":{"nodes":[%s],"pageInfo":{"hasNextPage":%v,"endCursor":"%d"}}}}`, strings.Join(rows, ","), end < many, end)
	}))
	defer server.Close()
	acts, _ := Acts(Schema())
	i := slices.IndexFunc(acts, func(a Act) bool { return a.list && a.Noun.Word == "domain" })
	for limit, pages := range map[int]int{many * 2: 50, 250: 2, 1: 1} {
		asked = 0
		names := map[string]bool{}
		err := acts[i].List(t.Context(), remote.New(server.URL, "x"), Input{"parentId": "dom_x"}, limit, func(r Record) error {
			names[r["name"].(string)] = true
			return nil
		})
		if err != nil || len(names) != min(limit, many) || asked != pages {
			t.Errorf("%d rows in %d pages, %v", len(names), asked, err)
		}
	}
}
