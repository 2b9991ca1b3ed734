package policy_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/policy/policytest"
)

// bare is an engine whose platform reads next to nothing.
func bare(tb testing.TB) *policy.Engine {
	tb.Helper()
	e, err := newEngine(policy.Config{Files: fstest.MapFS{"platform/rules.rego": {Data: []byte(
		"package souk.platform\n\nimport rego.v2\n\ndeny contains {\"code\": \"gone\", \"message\": \"Gone.\"} if input.subject.suspended\n",
	)}}})
	if err != nil {
		tb.Fatal(err)
	}
	return e
}

// TestReads names what rules read: also through helpers and arguments, the
// whole value where a use is not understood, and nothing that only another
// domain reads.
func TestReads(t *testing.T) {
	for _, w := range []struct {
		name, rules string
		want        []string
	}{
		{"a field", `_it if input.subject.name == "ana"`, []string{"subject.name"}},
		{"a function of the library", `_it if lib.is_steward(input.subject, input.resource.domain)`, []string{"resource.domain", "subject.steward_of"}},
		{"functions in functions", `_it if lib.is_insider(input.subject, input.resource)`, []string{
			"resource.domain", "resource.owner", "resource.owner_team", "subject.domain", "subject.id", "subject.roles", "subject.steward_of", "subject.teams",
		}},
		{"the input as an argument", "_it if _f(input)\n\n_f(i) if i.context.purpose == \"x\"", []string{"context.purpose"}},
		{"a variable", "_it if {\n\ts := input.subject\n\tt := s\n\tt.region == \"eu\"\n}", []string{"subject.region"}},
		{"a variable that is compared", "_it if {\n\tn := input.subject.name\n\tn == input.context.purpose\n}", []string{"context.purpose", "subject.name"}},
		{"a variable that is bound twice", "_it if {\n\tsome n in [\"ana\"]\n\tn = input.subject.name\n}", []string{"subject.name"}},
		{"a computed field", "_it if {\n\tsome k in [\"id\", \"name\"]\n\tinput.subject[k] == \"x\"\n}", []string{"subject"}},
		{"a member of a list", `_it if "x" in input.subject.teams`, []string{"subject.teams"}},
		{"a built-in function", `_it if object.get(input.subject, "name", "") == "x"`, []string{"subject"}},
		{"an argument in a list", "_it if _f([input.subject])\n\n_f(list) if list[0].name == \"x\"", []string{"subject"}},
		{"a pattern", "_it if _f({\"a\": input.subject.name})\n\n_f({\"a\": n}) if n == \"x\"", []string{"subject.name"}},
		{"a constant parameter", "_it if _f(input.subject.name)\n\n_f(\"ana\") := true", []string{"subject.name"}},
		{"what a function gives back", "_it if _f(input.subject).name == \"x\"\n\n_f(s) := s", []string{"subject"}},
		{"a parameter that is there twice", "_it if _f(input.subject.name, input.resource.name)\n\n_f(a, b) if a == b", []string{"resource.name", "subject.name"}},
		{"under not", `_it if not lib.is_admin(input.subject)`, []string{"subject.roles"}},
		{"in a comprehension", `_it if count({t | some t in input.subject.teams; startswith(t, input.subject.domain)}) > 0`, []string{"subject.domain", "subject.teams"}},
		{"under every", `_it if every t in input.resource.tags { t != input.subject.name }`, []string{"resource.tags", "subject.name"}},
		{"a changed input", "_it if _h with input.subject as input.resource\n\n_h if input.subject.name == \"x\"", []string{"resource", "subject", "subject.name"}},
		{"as a key", `_it if {"ana": 1}[input.subject.name]`, []string{"subject.name"}},
		{"otherwise", "_it := false if input.v == 2\n\nelse := lib.is_admin(input.subject)", []string{"subject.roles", "v"}},
	} {
		t.Run(w.name, func(t *testing.T) {
			e := bare(t)
			text := "package souk.domains.NAME\n\nimport data.souk.lib\nimport rego.v2\n\nallow contains {\"code\": \"a\", \"message\": \"m\"} if {\n\tlib.rank(\"\") == 1\n\t_it\n}\n\n" + w.rules + "\n"
			activate(t, e, "sales", text)
			want := append([]string{"subject.suspended"}, w.want...)
			slices.Sort(want)
			if diff := cmp.Diff(want, e.Snapshot().Reads("sales")); diff != "" {
				t.Error(diff)
			}
			if slices.Contains(e.Snapshot().Reads("operations"), "subject.name") {
				t.Error("another domain reads it too")
			}
		})
	}
}

// TestMaskingChangesNoDecision replaces every text of the input that the rules
// do not read, and every list of texts, and has each question answered alike.
func TestMaskingChangesNoDecision(t *testing.T) {
	for name, e := range map[string]*policy.Engine{"bare": bare(t), "shipped": engine(t)} {
		masked, names := 0, 0
		for round := range 60 {
			r := rand.New(rand.NewPCG(7, uint64(round)))
			if _, err := e.Activate(t.Context(), policy.Draft{Domain: "sales", Modules: policytest.Domain(r, "sales", round%3 == 0)}); err != nil {
				t.Fatal(err)
			}
			s := e.Snapshot()
			for range 20 {
				q := policytest.Question(r)
				want := s.Decide(t.Context(), q)
				input, paths := mask(t, q.Input(), s.Reads(q.Resource.Domain))
				got, ok := s.Again(t.Context(), model.DecisionRecord{Action: q.Action, Input: input, Decision: want})
				if want.Steps, got.Steps = 0, 0; !ok || !cmp.Equal(want, got) {
					t.Fatalf("%s, round %d, %q masked: %t\n%s\n%s", name, round, paths, ok, cmp.Diff(want, got), input)
				}
				if masked += len(paths); slices.Contains(paths, "subject.name") {
					names++
				}
			}
		}
		t.Logf("%s: %d places masked in 1200 questions", name, masked)
		if names < 1000 || (name == "bare" && masked < 5000) {
			t.Errorf("%s: the test hardly tests anything: %d names, %d places", name, names, masked)
		}
	}
}

// mask replaces the texts that no path covers, but for those that the server
// itself needs to find the rules.
func mask(t *testing.T, input json.RawMessage, read []string) (masked json.RawMessage, paths []string) {
	t.Helper()
	var parts map[string]any
	if err := json.Unmarshal(input, &parts); err != nil {
		t.Fatal(err)
	}
	needed := append([]string{"subject.domain", "resource.domain"}, read...)
	for _, part := range []string{"subject", "resource", "context"} {
		fields := parts[part].(map[string]any)
		for name, value := range fields {
			path := part + "." + name
			covers := func(r string) bool { return r == "" || r == part || r == path || strings.HasPrefix(r, path+".") }
			if slices.ContainsFunc(needed, covers) {
				continue
			}
			if changed, ok := hidden(value); ok {
				fields[name], paths = changed, append(paths, path)
			}
		}
	}
	masked, err := json.Marshal(parts)
	if err != nil {
		t.Fatal(err)
	}
	return masked, paths
}

// hidden keeps what is empty empty and as many items as there were.
func hidden(value any) (any, bool) {
	switch v := value.(type) {
	case string:
		return "masked:" + strings.Repeat("0", len(v)), v != ""
	case []any:
		for i, item := range v {
			v[i], _ = hidden(item)
		}
		return v, len(v) > 0
	}
	return value, false
}
