package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/souk-mesh/souk/server/cmd/souk/internal/noun"
)

// signedIn serves, signs in, and gives the way to run commands at that server.
func signedIn(t *testing.T) (run func(args ...string) said, server *running, home string) {
	t.Helper()
	server, token := serving(t, "sqlite:"+filepath.Join(t.TempDir(), "souk.db"))
	home = t.TempDir()
	run = func(args ...string) said { return invoke(t, []string{"HOME=" + home, "XDG_CONFIG_HOME="}, args...) }
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := run("login", server.url, "--token-file", file); got.status != 0 || got.stdout != "signed in to "+server.url+" as admin\n" {
		t.Fatalf("login: %+v", got)
	}
	return run, server, home
}

// TestCommandsToAServer makes, finds, changes, removes and restores records.
func TestCommandsToAServer(t *testing.T) {
	run, _, home := signedIn(t)
	if info, err := os.Stat(filepath.Join(home, ".config", "souk", "session.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the sign-in: %v, %v", info, err)
	}
	for _, c := range []struct {
		call string
		want string
	}{
		{"domain create sales --description Orders -o json", `"name": "sales"`},
		{"domain create shop --parent sales -o yaml", "parent:\n    id: dom_"},
		{"team create desk --domain sales", "DISPLAY NAME"},
		{"person create ana@sales --kind person --domain sales --roles employee,steward --clearance confidential", "EMPLOYEE, STEWARD"},
		{"domain edit sales --stewards ana@sales,admin -o json", `"version": 3`},
		{"domain show sales", "ana@sales, admin"},
		{"domain list", "shop   Shop          sales   dom_"},
		{"token create laptop --principal ana@sales --lifetime 7d", "SECRET"},
		{"token list --principal ana@sales -o yaml", "name: laptop"},
		{"product create orders --domain sales --classification internal --tags a,b", "a, b"},
		{"product show sales/orders -o yaml", "tags:\n    - a\n    - b\n"},
		{"product edit sales/orders --classification public --owner ana@sales", "PUBLIC"},
		{"product edit sales/orders --owner-team= -o json", `"ownerTeam": null`},
		{"domain rename shop --name shops", "shops"},
		{"domain remove shops --reason twice", "shops"},
		{"record list", "domain  shops"},
		{"event list --limit 2", "ACTION"},
		{"decisions list --limit 3 -o json", `"outcome":"ALLOW"`},
		{"grant list -o json", "[]"},
		{"request check sales/orders", "OUTCOME"},
	} {
		if got := run(strings.Fields(c.call)...); got.status != 0 || got.stderr != "" || !strings.Contains(got.stdout, c.want) {
			t.Errorf("souk %s: nothing of %q in %+v", c.call, c.want, got)
		}
	}
}

// TestRefusedByAServer: what the server says of the field and the remedy is
// what the command says, and misuse never reaches the server.
func TestRefusedByAServer(t *testing.T) {
	run, server, home := signedIn(t)
	run("domain", "create", "sales")
	for _, c := range []struct {
		call   string
		status int
		want   string
	}{
		{"domain create Sales!", 1, "souk domain: input.name: "},
		{"domain create sales", 1, "input.name"},
		{"domain show salse", 1, `there is no domain "salse", or none that you may know of (see souk domain list)`},
		{"product show orders", 1, "write DOMAIN/NAME"},
		{"domain show", 2, "wants one domain"},
		{"domain shw sales", 2, "did you mean show?"},
		{"domain list --outputt json", 2, "did you mean --output?"},
		{"domain list -o xml", 2, `there is no format "xml"`},
		{"team create desk", 2, "--domain: has to be given"},
		{"harvest start none", 1, `there is no source "none"`},
		{"harvest start none --preview", 1, `there is no source "none"`},
		{"person create x --kind persn", 1, "did you mean PERSON?"},
		{"source create s --domain sales --plugin sqlite --config {", 1, "--config: "},
		{"domain edit sales --input [1]", 1, "--input: is no object"},
		{"domain edit sales --expected-version 7 --description x", 1, "input.expectedVersion"},
		{"domain list --url http://127.0.0.1:1", 1, "souk login http://127.0.0.1:1"},
		{"login example.org", 1, "is no address of a server"},
		{"logout http://127.0.0.1:1", 1, "no token is kept"},
	} {
		if got := run(strings.Fields(c.call)...); got.status != c.status || got.stdout != "" || !strings.Contains(got.stderr, c.want) {
			t.Errorf("souk %s: nothing of %q in %+v", c.call, c.want, got)
		}
	}
	wrong := invoke(t, []string{"HOME=" + home, "SOUK_TOKEN=souk_nonsense"}, "domain", "list", "--url", server.url)
	if wrong.status != 1 || !strings.Contains(wrong.stderr, "souk login URL") || strings.Contains(wrong.stderr, "souk_nonsense") {
		t.Errorf("a token that opens nothing: %+v", wrong)
	}
	if got := run("logout"); got.status != 0 {
		t.Errorf("logout: %+v", got)
	}
	if got := run("domain", "list"); got.status != 1 || !strings.Contains(got.stderr, "there is no token for") {
		t.Errorf("after the logout: %+v", got)
	}
}

// TestInputFromAFile takes a whole input, which flags change.
func TestInputFromAFile(t *testing.T) {
	run, _, _ := signedIn(t)
	run("domain", "create", "sales")
	run("domain", "edit", "sales", "--stewards", "admin")
	file := filepath.Join(t.TempDir(), "product.yaml")
	if err := os.WriteFile(file, []byte("description: Orders\nclassification: INTERNAL\nports:\n- {name: tables, direction: OUTPUT}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := run("product", "create", "orders", "--domain", "sales", "--input", "@"+file, "--classification", "restricted", "-o", "json")
	var product struct{ Name, Description, Classification string }
	if err := json.Unmarshal([]byte(got.stdout), &product); err != nil || product.Name != "orders" || product.Description != "Orders" || product.Classification != "RESTRICTED" {
		t.Errorf("got %+v, %v", got, err)
	}
	if got := run("product", "show", "sales/orders", "-o", "json"); !strings.Contains(got.stdout, `"direction": "OUTPUT"`) && !strings.Contains(got.stdout, `"name": "tables"`) {
		t.Errorf("the port: %+v", got)
	}
}

// TestLongLists come page by page: each row once, in every format.
func TestLongLists(t *testing.T) {
	const many = 450
	folder := t.TempDir()
	shop, store := filepath.Join(folder, "shop.db"), "sqlite:"+filepath.Join(folder, "souk.db")
	var statements strings.Builder
	for i := range many {
		fmt.Fprintf(&statements, "create table t%04d (i text);", i)
	}
	sqliteFile(t, shop, statements.String())
	server, token := serving(t, store)
	person{r: server, token: token}.do("createDomain", "CreateDomainInput", map[string]any{"name": "sales"}, "domain { id }", &struct{}{})
	server.stop()
	got := invoke(t, nil, "harvest", "shop", "--store", store, "--plugin", "sqlite", "--domain", "sales", "--config-json", `{"path": "`+shop+`", "name": "shop"}`)
	if got.status != 0 {
		t.Fatalf("harvest: %+v", got)
	}
	server, _ = serving(t, store)
	list := func(flags ...string) string {
		got := invoke(t, []string{"SOUK_TOKEN=" + token}, append([]string{"asset", "list", "--url", server.url}, flags...)...)
		if got.status != 0 {
			t.Fatalf("%v: %+v", flags, got)
		}
		return got.stdout
	}
	var asJSON, asYAML, some []struct{ Name string }
	if err := json.Unmarshal([]byte(list("-o", "json")), &asJSON); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(list("-o", "yaml")), &asYAML); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(list("-o", "json", "--limit", "201")), &some); err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, a := range asJSON {
		names[a.Name] = true
	}
	if len(names) != many || len(asJSON) != many || len(asYAML) != many || len(some) != 201 || strings.Count(list(), "\n") != many+1 {
		t.Errorf("%d names in %d rows of JSON, %d of YAML, %d of 201", len(names), len(asJSON), len(asYAML), len(some))
	}
}

// TestCells: what strangers wrote stays in its line and commands no terminal.
func TestCells(t *testing.T) {
	for want, value := range map[string]any{
		"a b [31mred": "a\nb\x1b[31mred",
		"x, y":        []any{"x", "y"},
		"sales":       noun.Record{"id": "dom_1", "name": "sales"},
		"7":           json.Number("7"),
		"true":        true,
		"":            nil,
		`{"n":7}`:     noun.Record{"n": json.Number("7")},
	} {
		if got := cell(value); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	var out strings.Builder
	if err := printRecord(&out, "yaml", noun.Record{"n": json.Number("7"), "f": json.Number("1.5"), "all": []any{json.Number("8")}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("all:\n    - 8\nf: 1.5\n\"n\": 7\n", out.String()); diff != "" {
		t.Error(diff)
	}
}
