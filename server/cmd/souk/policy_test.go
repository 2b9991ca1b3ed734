package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestPolicyNew starts a domain from a template, and wants it to be ready.
func TestPolicyNew(t *testing.T) {
	dir := t.TempDir()
	list := invoke(t, nil, "policy", "new", "--list")
	for _, want := range []string{"by_team\n", "--set teams=...", "has to be given", "by default CONFIDENTIAL"} {
		if !strings.Contains(list.stdout, want) {
			t.Errorf("nothing of %q in: %s", want, list.stdout)
		}
	}
	got := invoke(t, nil, "policy", "new", "--template", "by_team", "--domain", "freight", "--set", "teams=operations/planners", dir)
	if got.status != 0 || !strings.Contains(got.stdout, filepath.Join(dir, "domains/freight/by_team.rego")) {
		t.Fatalf("%+v", got)
	}
	again := invoke(t, nil, "policy", "new", "--template", "by_team", "--domain", "freight", "--set", "teams=operations/planners", dir)
	if again.status != 1 || !strings.Contains(again.stderr, "is there already") {
		t.Errorf("again: %+v", again)
	}
	more := invoke(t, nil, "policy", "new", "--template", "masking", "--domain", "freight", "--set", "fields=driver", dir)
	if more.status != 0 || !strings.Contains(more.stdout, "kept   "+filepath.Join(dir, "domains/freight/product.rego")) {
		t.Errorf("another template: %+v", more)
	}
	if got := invoke(t, nil, "policy", "check", dir); got.status != 0 || !strings.Contains(got.stdout, "1 domain checked: 0 errors") {
		t.Errorf("check: %+v", got)
	}
	if got := invoke(t, nil, "policy", "test", dir); got.status != 0 || !strings.Contains(got.stdout, "0 failed") || !strings.Contains(got.stdout, "100.0 % of the rules' lines covered") {
		t.Errorf("test: %+v", got)
	}
}

// TestPolicyCheck names the file and the line of what is wrong, for every domain.
func TestPolicyCheck(t *testing.T) {
	dir := t.TempDir()
	for domain, condition := range map[string]string{"sales": `input.subjct.id == "x"`, "freight": `time.now_ns() > 1`, "legal": `input.v == 1`} {
		writeRules(t, dir, domain, condition)
	}
	got := invoke(t, nil, "policy", "check", dir)
	for _, want := range []string{"domains/sales/rules.rego:5", "subjct", "domains/freight/rules.rego:5", "time.now_ns", "3 domains checked: 2 errors"} {
		if got.status != 1 || !strings.Contains(got.stdout, want) {
			t.Errorf("nothing of %q: %+v", want, got)
		}
	}
}

func writeRules(t *testing.T, dir, domain, condition string) {
	t.Helper()
	path := filepath.Join(dir, "domains", domain, "rules.rego")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	text := "package souk.domains." + domain + "\n\nimport rego.v2\n\nallow contains {\"code\": \"x\", \"message\": \"x\"} if " + condition + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPolicyCallsThatCannotBeUnderstood(t *testing.T) {
	dir, empty := t.TempDir(), t.TempDir()
	writeRules(t, dir, "sales", "input.v == 1")
	writeRules(t, dir, "legal", "input.v == 1")
	token := filepath.Join(empty, "token")
	if err := os.WriteFile(token, []byte("souk_nonsense\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	nobody := "http://127.0.0.1:1"
	for name, c := range map[string]struct {
		args   []string
		status int
		want   string
	}{
		"no word":              {nil, 2, "souk policy COMMAND"},
		"an unknown word":      {[]string{"frobnicate"}, 2, `no command "frobnicate"`},
		"no folder":            {[]string{"check"}, 2, "one folder"},
		"an empty folder":      {[]string{"check", t.TempDir()}, 1, "holds no Rego file"},
		"an absent folder":     {[]string{"check", filepath.Join(dir, "none")}, 1, "is no folder"},
		"no template":          {[]string{"new", "--domain", "sales"}, 2, "--list"},
		"an unknown template":  {[]string{"new", "--domain", "sales", "--template", "x"}, 1, "use one of by_classification, "},
		"a bad domain":         {[]string{"new", "--domain", "Sales!", "--template", "masking", "--set", "fields=a"}, 1, "lower-case"},
		"a setting missing":    {[]string{"new", "--domain", "sales", "--template", "masking"}, 1, "fields (the fields to mask, separated by commas): has to be given"},
		"no team":              {[]string{"new", "--domain", "sales", "--template", "by_team", "--set", "teams=notateam"}, 1, "sales/notateam"},
		"a setting unknown":    {[]string{"new", "--domain", "sales", "--template", "masking", "--set", "field=a"}, 1, "no such setting; did you mean fields?"},
		"a setting of another": {[]string{"new", "--domain", "sales", "--template", "by_team", "--set", "team=sales/desk"}, 1, "no such setting; did you mean teams?"},
		"a mask misspelt":      {[]string{"new", "--domain", "sales", "--template", "masking", "--set", "fields=a", "--set", "with=hashh"}, 1, "did you mean hash?"},
		"a class misspelt":     {[]string{"new", "--domain", "sales", "--template", "by_team", "--set", "teams=sales/desk", "--set", "up_to=confidental"}, 1, "did you mean CONFIDENTIAL?"},
		"a setting malformed":  {[]string{"new", "--domain", "sales", "--template", "masking", "--set", "fields"}, 2, "KEY=VALUE"},
		"no token":             {[]string{"publish", "--domain", "sales", dir}, 1, "SOUK_TOKEN"},
		"which domain":         {[]string{"publish", "--token-file", token, dir}, 1, "--domain: legal, sales"},
		"not that domain":      {[]string{"impact", "--token-file", token, "--domain", "finance", dir}, 1, "no rules of finance"},
		"no rules at all":      {[]string{"impact", "--token-file", token, empty}, 1, "no domain's rules"},
		"a server away":        {[]string{"explain", "--token-file", token, "--url", nobody, "dec_1"}, 1, "127.0.0.1:1"},
		"no reason":            {[]string{"rollback", "--token-file", token, "--domain", "sales"}, 2, "--reason"},
		"two ways back":        {[]string{"rollback", "--token-file", token, "--domain", "sales", "--reason", "It went wrong.", "--to", "pol_x", "--to-start"}, 2, "--to-start"},
		"no decision":          {[]string{"explain", "--token-file", token}, 2, "one decision"},
		"a token file absent":  {[]string{"explain", "--token-file", filepath.Join(dir, "none"), "dec_1"}, 1, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			got := invoke(t, nil, append([]string{"policy"}, c.args...)...)
			if got.status != c.status || !strings.Contains(got.stdout+got.stderr, c.want) {
				t.Errorf("nothing of %q: %+v", c.want, got)
			}
		})
	}
}

// doors is a rule that looks at the door by which a question comes.
const doors = `package souk.domains.freight

import rego.v2

deny contains {"code": "door.trino", "message": "Nobody reads it through Trino."} if {
	input.action.name == "data.read"
	input.context.channel == "trino"
}
`

const doorsTest = `package souk.domains.freight_test

import data.souk.domains.freight as rules
import rego.v2

_through(door, action) := object.union(ask(bo, action, orders), {"context": {"channel": door}})

test_doors if {
	"door.trino" in codes(rules.deny) with input as _through("trino", "data.read")
	not "door.trino" in codes(rules.deny) with input as _through("graphql", "data.read")
	not "door.trino" in codes(rules.deny) with input as _through("trino", "metadata.view")
}
`

// TestPolicyOverTheWire publishes the rules of a domain, has a refusal by them
// explained, and takes them back.
func TestPolicyOverTheWire(t *testing.T) {
	server, secret := serving(t, "sqlite:"+filepath.Join(t.TempDir(), "souk.db"))
	admin := person{r: server, token: secret}
	env := func(token string) []string { return []string{"SOUK_TOKEN=" + token} }
	souk := func(token, want string, args ...string) said {
		t.Helper()
		got := invoke(t, env(token), append(append([]string{"policy"}, args...), "--url", server.url)...)
		if !strings.Contains(got.stdout+got.stderr, want) {
			t.Errorf("souk policy %s: nothing of %q: %+v", strings.Join(args, " "), want, got)
		}
		return got
	}
	souk("souk_nonsense", "token", "explain", "dec_1")
	souk(secret, `no decision "dec_1"`, "explain", "dec_1")

	people := map[string]person{}
	var ids []string
	for _, name := range []string{"fay", "gil"} {
		var made struct{ Principal struct{ ID string } }
		admin.do("createPrincipal", "CreatePrincipalInput", map[string]any{"kind": "PERSON", "name": name, "clearance": "CONFIDENTIAL"}, "principal { id }", &made)
		var issued struct{ Secret string }
		admin.do("issueToken", "IssueTokenInput", map[string]any{"principalId": made.Principal.ID, "name": "test", "lifetime": "PT1H"}, "secret", &issued)
		people[name] = person{r: server, token: issued.Secret, id: made.Principal.ID}
		ids = append(ids, made.Principal.ID)
	}
	admin.do("createDomain", "CreateDomainInput", map[string]any{"name": "freight", "stewardIds": ids}, "domain { id }", &struct{}{})
	people["gil"].try(`mutation { createDomain(input: { name: "gils_own" }) { domain { id } } }`, nil)
	var refused struct {
		Decisions struct{ Nodes []struct{ ID string } }
	}
	people["gil"].ask(`{ decisions(filter: { outcome: DENY }, first: 1) { nodes { id } } }`, nil, &refused)
	explained := souk(people["gil"].token, "domain.admin by gil was refused", "explain", refused.Decisions.Nodes[0].ID)
	for _, want := range []string{
		"Only an administrator or a steward may do this.  (admin.reserved, by platform)", "decided by sha256:",
		"The rules that could have applied:", "  deny Reserved for administrators and stewards, platform/administration.rego:", ", applied\n",
		"  allow Administrators, platform/administration.rego:", ", did not apply\n",
		"was not so: lib.is_admin(input.subject)\n", "was not so: \"ADMIN\" in subject.roles\n", "input.subject.roles was [",
		"What would make it allowed:\n  - Become an administrator.\n",
	} {
		if !strings.Contains(explained.stdout, want) {
			t.Errorf("nothing of %q: %+v", want, explained)
		}
	}
	machine := souk(people["gil"].token, `"isFaithful":true`, "explain", "--json", refused.Decisions.Nodes[0].ID)
	if !json.Valid([]byte(machine.stdout)) {
		t.Errorf("no JSON: %+v", machine)
	}
	for _, args := range [][]string{{"explain"}, {"explain", "--json"}} {
		if got := souk(people["fay"].token, "no decision", append(args, refused.Decisions.Nodes[0].ID)...); got.status != 1 || got.stdout != "" {
			t.Errorf("fay: %+v", got)
		}
	}
	dir := t.TempDir()
	if got := invoke(t, nil, "policy", "new", "--template", "geography", "--domain", "freight", "--set", "regions=eu", dir); got.status != 0 {
		t.Fatalf("%+v", got)
	}
	for name, text := range map[string]string{"doors.rego": doors, "doors_test.rego": doorsTest} {
		if err := os.WriteFile(filepath.Join(dir, "domains", "freight", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	next := "souk policy publish --url " + server.url + " --proposal ppr_"
	report := souk(people["fay"].token, next, "impact", dir)
	if !strings.Contains(report.stdout, "domains/freight/doors.rego:7: the rule deny reads input.context.channel") {
		t.Errorf("nothing of the rule that reads the channel: %+v", report)
	}
	waits := souk(people["fay"].token, next, "publish", dir, "--title", "Drivers stay in Europe")
	id := strings.TrimSpace(waits.stdout[strings.LastIndex(waits.stdout, "--proposal ")+len("--proposal "):])
	var found struct {
		PolicyProposal struct{ Impact struct{ Hash string } }
	}
	admin.ask(`query P($id: ID!) { policyProposal(id: $id) { impact { hash } } }`, map[string]any{"id": id}, &found)
	people["gil"].do("approvePolicy", "ApprovePolicyInput", map[string]any{"id": id, "reportHash": found.PolicyProposal.Impact.Hash}, "proposal { status }", &struct{}{})
	souk(people["fay"].token, "active    "+id, "publish", "--proposal", id)
	souk(people["fay"].token, "that the server was started with", "rollback", "--domain", "freight", "--to-start", "--reason", "The trucks drive to Norway.")
	if got := souk(people["fay"].token, "no earlier rules", "rollback", "--domain", "freight", "--to-start", "--reason", "Once more."); got.status != 1 {
		t.Errorf("got %+v", got)
	}
}

// TestPolicyPage runs the commands of the authors' page, and wants those that
// it only names to be there.
func TestPolicyPage(t *testing.T) {
	text, err := os.ReadFile("../../../policies/README.md")
	if err != nil {
		t.Fatal(err)
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(text), "```sh\n")
	block, _, _ = strings.Cut(block, "```")
	cmd := exec.CommandContext(t.Context(), "sh", "-e", "-c", strings.ReplaceAll(block, "souk policy", `"$SOUK" policy`))
	cmd.Dir, cmd.Env = t.TempDir(), []string{"SOUK=" + path}
	if out, err := cmd.CombinedOutput(); err != nil || strings.Count(block, "souk policy") < 3 || !strings.Contains(string(out), "0 failed") {
		t.Errorf("%v: %s", err, out)
	}
	for _, found := range regexp.MustCompile("souk policy ([a-z]+)").FindAllStringSubmatch(string(text), -1) {
		if !slices.ContainsFunc(policyCommands(&program{}), func(c *cobra.Command) bool { return c.Name() == found[1] }) {
			t.Errorf("the page speaks of %s", found[0])
		}
	}
}
