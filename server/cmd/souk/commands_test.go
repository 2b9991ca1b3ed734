package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// said is what a command left behind.
type said struct {
	stdout, stderr string
	status         int
}

// invoke runs the program to its end, in an environment of its own.
func invoke(t *testing.T, env []string, args ...string) said {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Dir, cmd.Env = t.TempDir(), append([]string{"TMPDIR=" + t.TempDir(), "SOUK_LOG_LEVEL=error"}, env...)
	_ = cmd.Run() // the status says it
	return said{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

func TestCallsThatCannotBeUnderstood(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	memory := "sqlite::memory:"
	for name, c := range map[string]struct {
		env    []string
		args   []string
		status int
		want   []string // all of them in the error
	}{
		"an unknown command":       {nil, []string{"frobnicate"}, 2, []string{`no command "frobnicate"`, "souk --help"}},
		"an unknown flag":          {nil, []string{"serve", "--prot", "1"}, 2, []string{"-prot"}},
		"an unknown store":         {nil, []string{"serve", "--store", "postgres://x"}, 1, []string{"store:", "sqlite:souk.db"}},
		"a store from the env":     {[]string{"SOUK_STORE=nonsense"}, []string{"serve"}, 1, []string{"store:"}},
		"an unknown key":           {nil, []string{"serve", "--config", file("typo.yml", "stroe: x\n")}, 1, []string{"config", "stroe", "line 1"}},
		"a key of the wrong type":  {nil, []string{"serve", "--config", file("type.yml", "listen: [1]\n")}, 1, []string{"config", "line 1"}},
		"a config that is no YAML": {nil, []string{"serve", "--config", file("bad.yml", "a: [\n")}, 1, []string{"config"}},
		"an absent config":         {nil, []string{"serve", "--config", filepath.Join(dir, "none.yml")}, 1, []string{"config", "cannot be read"}},
		"a plugin folder absent":   {nil, []string{"serve", "--store", memory, "--plugin-dir", filepath.Join(dir, "none")}, 1, []string{"plugin-dir", "create it"}},
		"a port out of range":      {nil, []string{"serve", "--store", memory, "--listen", "127.0.0.1:99999"}, 1, []string{"listen", "65535"}},
		"an unknown level":         {nil, []string{"serve", "--store", memory, "--log-level", "loud"}, 1, []string{"log-level", "debug"}},
		"MongoDB out of reach":     {nil, []string{"serve", "--store", "mongodb://ana:canary-pass@127.0.0.1:1/souk?serverSelectionTimeoutMS=200"}, 1, []string{"store", "127.0.0.1:1", "primary"}},
		"a token for nobody":       {nil, []string{"token", "issue", "nobody", "--store", memory}, 1, []string{"nobody"}},
		"a lifetime with no unit":  {nil, []string{"token", "issue", "admin", "--store", memory, "--lifetime", "30"}, 2, []string{"-lifetime", "without a unit", "90d or P90D"}},
		"a retention of a month":   {[]string{"SOUK_DECISION_RETENTION=P3M"}, []string{"serve", "--store", memory}, 1, []string{"decision-retention", "months", "90d or P90D"}},
		"a retention in the file":  {nil, []string{"serve", "--config", file("short.yml", "store: \"sqlite::memory:\"\ndecision-retention: PT12H\n")}, 1, []string{"decision-retention", "shorter than a day", "90d"}},
		"an unknown plugin":        {nil, []string{"plugin", "check", "oracle"}, 1, []string{"PLUGIN", "postgres"}},
		"config of a wrong type":   {nil, []string{"plugin", "check", "sqlite", "--config-json", `{"path": 7}`}, 1, []string{"path"}},
		"config that is no JSON":   {nil, []string{"plugin", "check", "sqlite", "--config-json", `{`}, 1, []string{"config"}},
		"a secret in the config":   {nil, []string{"plugin", "check", "postgres", "--config-json", `{"url":"postgres://x@127.0.0.1/y","password":"canary-pass"}`}, 1, []string{"password", "secret"}},
		"a secret that is absent":  {nil, []string{"plugin", "check", "postgres", "--config-json", `{"url":"postgres://x@127.0.0.1/y"}`, "--secret", "password=env:SOUK_SECRET_NONE"}, 1, []string{"password", "SOUK_SECRET_NONE"}},
		"a secret not allowed":     {[]string{"HOME=canary-pass"}, []string{"plugin", "check", "postgres", "--config-json", `{"url":"postgres://x@127.0.0.1/y"}`, "--secret", "password=env:HOME"}, 1, []string{"password", "SOUK_SECRET_*"}},
		"policies absent":          {nil, []string{"policy", "test", filepath.Join(dir, "none")}, 1, []string{"policies"}},
		"a manifest cut short":     {nil, []string{"plugin", "check", "dbt", "--config-json", `{"path":"` + file("manifest.json", `{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json"}, "nodes": {`) + `","namespace":"postgres://db:5432"}`}, 1, []string{"manifest"}},
		"another tool's file":      {nil, []string{"plugin", "check", "dbt", "--config-json", `{"path":"` + file("package.json", `{"name": "left-pad", "version": "1.0.0"}`) + `","namespace":"postgres://db:5432"}`}, 1, []string{"dbt"}},
		"a server that is away":    {nil, []string{"health", "--url", "http://127.0.0.1:1"}, 1, []string{"127.0.0.1:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := invoke(t, c.env, c.args...)
			text := got.stdout + got.stderr
			if got.status != c.status {
				t.Errorf("status %d, want %d: %s", got.status, c.status, text)
			}
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("nothing of %q in: %s", want, text)
				}
			}
			if strings.Contains(text, "canary-pass") || strings.Contains(text, "goroutine ") {
				t.Errorf("it gives away a secret or panics: %s", text)
			}
		})
	}
}

// TestWordsThatNameNothing: each is an error that says what was meant.
func TestWordsThatNameNothing(t *testing.T) {
	memory := "sqlite::memory:"
	typo := filepath.Join(t.TempDir(), "typo.yml")
	if err := os.WriteFile(typo, []byte("listen: 127.0.0.1:0\nstroe: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		env    []string
		args   []string
		status int
		want   string
	}{
		"a command":           {nil, []string{"serv"}, 2, `no command "serv" (did you mean serve?`},
		"a part":              {nil, []string{"token", "isue"}, 2, "did you mean issue?"},
		"a part of decisions": {nil, []string{"decisions", "verfy"}, 2, "did you mean verify?"},
		"a flag":              {nil, []string{"serve", "--stroe", "x"}, 2, "--stroe: there is no such flag (did you mean --store?"},
		"a flag of another":   {nil, []string{"token", "issue", "admin", "--listen", "x"}, 2, "--listen: there is no such flag"},
		"a flag without one":  {nil, []string{"serve", "--store"}, 2, "--store: wants a value"},
		"an argument":         {nil, []string{"serve", "extra"}, 2, `"extra" is one too many: souk serve takes no arguments`},
		"two arguments":       {nil, []string{"harvest", "a1", "b1"}, 2, `"b1" is one too many: souk harvest takes SOURCE and nothing more`},
		"no argument":         {nil, []string{"harvest"}, 2, "wants one source"},
		"demo's argument":     {nil, []string{"demo", "now"}, 2, `"now" is one too many`},
		"health's argument":   {nil, []string{"health", "http://127.0.0.1:1"}, 2, "is one too many"},
		"version's argument":  {nil, []string{"version", "x"}, 2, "is one too many"},
		"a duration":          {nil, []string{"token", "issue", "admin", "--lifetime", "90"}, 2, "--lifetime: is a number without a unit"},
		"a level":             {nil, []string{"serve", "--store", memory, "--log-level", "wran"}, 1, "did you mean warn?"},
		"a format":            {nil, []string{"serve", "--store", memory, "--log-format", "jsno"}, 1, "did you mean json?"},
		"a mode of Trino":     {nil, []string{"serve", "--store", memory, "--trino-unknown-tables", "alow"}, 1, "did you mean allow?"},
		"a key of the file":   {nil, []string{"serve", "--config", typo}, 1, `line 2: there is no setting "stroe" (did you mean store?`},
		"a variable":          {[]string{"SOUK_STROE=x"}, []string{"serve", "--store", memory}, 1, "SOUK_STROE: is no setting (did you mean SOUK_STORE?"},
		"a plugin":            {nil, []string{"plugin", "check", "postgre"}, 1, "did you mean postgres?"},
		"a template":          {nil, []string{"policy", "new", "--domain", "sales", "--template", "by_taem"}, 1, "did you mean by_team?"},
		"an outcome":          {nil, []string{"decisions", "export", "--store", memory, "--outcome", "DENI"}, 1, "did you mean DENY?"},
		"an action":           {nil, []string{"decisions", "export", "--store", memory, "--action", "data.raed"}, 1, "did you mean data.read?"},
		"an id":               {nil, []string{"decisions", "export", "--store", memory, "--principal", "ana"}, 1, "it begins with prn_"},
		"a token's id":        {nil, []string{"token", "revoke", "souk_abc", "--store", memory}, 1, "it begins with tok_"},
		"a day":               {nil, []string{"decisions", "export", "--store", memory, "--to", "tomorrow"}, 1, "--to: is no time"},
		"times in reverse":    {nil, []string{"decisions", "export", "--store", memory, "--from", "2026-11-26", "--to", "2026-11-25"}, 1, "does not lie after"},
	} {
		t.Run(name, func(t *testing.T) {
			got := invoke(t, c.env, c.args...)
			if got.status != c.status || got.stdout != "" || !strings.Contains(got.stderr, c.want) {
				t.Errorf("nothing of %q: %+v", c.want, got)
			}
		})
	}
}

// TestVariablesOfOthers: what Kubernetes makes of a service called souk is no mistake.
func TestVariablesOfOthers(t *testing.T) {
	r := start(t, []string{"SOUK_PORT=tcp://10.0.0.1:8080", "SOUK_SERVICE_HOST=10.0.0.1", "SOUK_SECRET_STORE=x"}, "serve", "--listen", "127.0.0.1:0", "--store", "sqlite::memory:")
	r.await(`^Souk listens on`)
}

// TestNamesOfTheStore: what a store does not have is named with what was meant.
func TestNamesOfTheStore(t *testing.T) {
	store := "sqlite:" + filepath.Join(t.TempDir(), "souk.db")
	server, token := serving(t, store)
	admin := person{r: server, token: token}
	var made struct{ Domain struct{ ID string } }
	admin.do("createDomain", "CreateDomainInput", map[string]any{"name": "sales"}, "domain { id }", &made)
	admin.do("createTeam", "CreateTeamInput", map[string]any{"name": "desk", "domainId": made.Domain.ID}, "team { id }", &struct{}{})
	server.stop()
	invoke(t, nil, "decisions", "replay", "--store", store) // brings the log up to date
	for want, args := range map[string][]string{
		`there is no principal "amdin" (did you mean admin?)`:  {"token", "issue", "amdin"},
		`--domain: there is no domain "salse" (did you mean`:   {"harvest", "shop", "--plugin", "sqlite", "--domain", "salse"},
		`there is no source "shop" (there is none at all yet)`: {"harvest", "shop"},
		`--plugin: there is no plugin "sqlit" (did you mean`:   {"harvest", "shop", "--plugin", "sqlit", "--domain", "sales"},
		`--domain: a new source belongs to a domain`:           {"harvest", "shop", "--plugin", "sqlite"},

		`--domain: the log has no decision about the domain "salse" (did you mean sales?)`: {"decisions", "export", "--domain", "salse"},
		`--principal: the log has no decision about the principal "prn_none"`:              {"decisions", "replay", "--principal", "prn_none"},
	} {
		if got := invoke(t, nil, append(args, "--store", store)...); got.status != 1 || !strings.Contains(got.stderr, want) {
			t.Errorf("souk %v: nothing of %q: %+v", args, want, got)
		}
	}
	if got := invoke(t, nil, "decisions", "export", "--domain", "sales", "--to", "2020-01-01", "--store", store); got.status != 0 {
		t.Errorf("a domain that is known, in a time without decisions: %+v", got)
	}
}

// TestNoStore: commands that look for a store say that there is none, and make none.
func TestNoStore(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{
		{"token", "issue", "admin"},
		{"token", "revoke", "tok_x"},
		{"harvest", "shop"},
		{"decisions", "verify"},
		{"decisions", "export"},
		{"decisions", "replay"},
	} {
		store := "sqlite:" + filepath.Join(dir, "suok.db")
		got := invoke(t, nil, append(args, "--store", store)...)
		if got.status != 1 || got.stdout != "" || !strings.Contains(got.stderr, "there is no store at") || !strings.Contains(got.stderr, "souk serve") {
			t.Errorf("souk %v: %+v", args, got)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("souk %v leaves %v, %v", args, left, err)
		}
	}
}

// TestHelp tells the flags of a command and no others, on standard output.
func TestHelp(t *testing.T) {
	for _, c := range []struct {
		args       []string
		want, none []string
	}{
		{[]string{"--help"}, []string{"serve", "decisions", "souk COMMAND --help"}, nil},
		{[]string{"token", "-h"}, []string{"issue", "revoke", "souk token COMMAND --help"}, []string{"--listen"}},
		{[]string{"help", "serve"}, []string{"Usage: souk serve [FLAGS]", "--listen ADDRESS", "SOUK_BUNDLE_KEY"}, nil},
		{[]string{"serve", "--help"}, []string{"--bundle-key FILE", "--trino-catalogs"}, nil},
		{[]string{"token", "issue", "-h"}, []string{"souk token issue [FLAGS] PRINCIPAL", "--lifetime DAYS", "(default 90d)", "--store"}, []string{"--listen", "--trino", "--secret-env"}},
		{[]string{"decisions", "verify", "-h"}, []string{"--public-key KEY", "--store"}, []string{"--outcome", "--policies", "--listen"}},
		{[]string{"decisions", "export", "-h"}, []string{"--outcome"}, []string{"--public-key", "--listen"}},
		{[]string{"plugin", "list", "-h"}, []string{"--plugin-dir"}, []string{"--store", "--secret", "--listen"}},
		{[]string{"harvest", "-h"}, []string{"--config-json", "--secret-dir"}, []string{"--listen", "--trino"}},
		{[]string{"health", "-h"}, []string{"--url ADDRESS"}, []string{"--store"}},
		{[]string{"version", "-h"}, []string{"souk version"}, []string{"--store"}},
		{[]string{"policy", "--help"}, []string{"publish", "souk policy COMMAND --help"}, []string{"--store"}},
	} {
		got := invoke(t, nil, c.args...)
		if got.status != 0 || got.stderr != "" {
			t.Errorf("souk %v: %+v", c.args, got)
		}
		for _, want := range c.want {
			if !strings.Contains(got.stdout, want) {
				t.Errorf("souk %v: nothing of %q in: %s", c.args, want, got.stdout)
			}
		}
		for _, none := range c.none {
			if strings.Contains(got.stdout, none) {
				t.Errorf("souk %v: it does not use %q: %s", c.args, none, got.stdout)
			}
		}
	}
	if got := invoke(t, nil, "--version"); got.status != 0 || !strings.HasPrefix(got.stdout, "souk ") || got.stdout != invoke(t, nil, "version").stdout {
		t.Errorf("--version: %+v", got)
	}
}

func TestInvalidRegoNamesTheLine(t *testing.T) {
	for name, c := range map[string]struct{ path, text, want string }{
		"syntax":          {"domains/sales/access.rego", "package souk.domains.sales\n\nimport rego.v2\n\nallow contains {\n", "domains/sales/access.rego:"},
		"another package": {"domains/sales/access.rego", "package souk.domains.marketing\n\nimport rego.v2\n", "souk.domains.marketing"},
		"another domain":  {"domains/sales/access.rego", "package souk.domains.sales\n\nimport rego.v2\n\nallow contains x if some x in data.souk.domains.marketing.allow\n", "access.rego:5"},
		"the network":     {"domains/sales/access.rego", "package souk.domains.sales\n\nimport rego.v2\n\nallow contains {\"code\": \"x\", \"message\": \"y\"} if http.send({\"method\": \"get\", \"url\": \"http://x\"})\n", "http.send"},
		"a typo":          {"domains/sales/access.rego", "package souk.domains.sales\n\nimport rego.v2\n\nallow contains {\"code\": \"x\", \"message\": \"y\"} if input.subjct.name == \"ana\"\n", "subjct"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, c.path)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, args := range [][]string{{"policy", "test", dir}, {"serve", "--store", "sqlite::memory:", "--policies", dir}} {
				if got := invoke(t, nil, args...); got.status != 1 || !strings.Contains(got.stdout+got.stderr, c.want) {
					t.Errorf("%s: status %d, nothing of %q in: %s%s", args[0], got.status, c.want, got.stdout, got.stderr)
				}
			}
		})
	}
}

// TestOneOffHarvest harvests the freight company's dbt project without a server.
func TestOneOffHarvest(t *testing.T) {
	target, err := filepath.Abs("testdata/freight")
	if err != nil {
		t.Fatal(err)
	}
	store := "sqlite:" + filepath.Join(t.TempDir(), "souk.db")
	config := `{"path": "` + target + `", "namespace": "postgres://db.freight.example"}`
	server, token := serving(t, store)
	person{r: server, token: token}.do("createDomain", "CreateDomainInput", map[string]any{"name": "operations"}, "domain { id }", &struct{}{})
	if got := invoke(t, nil, "harvest", "analytics", "--store", store); got.status != 1 || !strings.Contains(got.stderr, "another souk") {
		t.Errorf("beside a running server: %+v", got)
	}
	server.stop()
	if got := invoke(t, nil, "harvest", "analytics", "--store", store); got.status != 1 || !strings.Contains(got.stderr, "source") {
		t.Errorf("a source that does not exist: %+v", got)
	}
	if got := invoke(t, nil, "harvest", "analytics", "--store", store, "--plugin", "dbt", "--config-json", config); got.status != 1 || !strings.Contains(got.stderr, "--domain") {
		t.Errorf("a source without a domain: %+v", got)
	}
	got := invoke(t, nil, "harvest", "analytics", "--store", store, "--plugin", "dbt", "--domain", "operations", "--config-json", config, "--json")
	var run struct {
		Status string
		Counts struct{ Assets, Created int }
	}
	if err := json.Unmarshal([]byte(got.stdout), &run); err != nil || run.Status != "SUCCEEDED" || run.Counts.Created == 0 {
		t.Fatalf("%v: %+v", err, got)
	}
	again := invoke(t, nil, "harvest", "analytics", "--store", store)
	if again.status != 0 || !strings.Contains(again.stdout, "0 created, 0 updated") {
		t.Errorf("a second harvest: %+v", again)
	}
	oneOffMistakes(t, store, target)
}

// oneOffMistakes sets a source up wrongly and then rightly, and takes one that
// is there astray and back.
func oneOffMistakes(t *testing.T, store, target string) {
	t.Helper()
	wrong := `{"path": "` + filepath.Join(target, "none") + `", "namespace": "postgres://db.freight.example"}`
	right := `{"path": "` + target + `", "namespace": "postgres://db.freight.example"}`
	set := func(config string, more ...string) said {
		return invoke(t, nil, append([]string{"harvest", "second", "--store", store, "--config-json", config}, more...)...)
	}
	fresh := []string{"--plugin", "dbt", "--domain", "operations"}
	if got := set(wrong, fresh...); got.status != 1 || !strings.Contains(got.stderr, "is not kept") {
		t.Errorf("a source that does not work: %+v", got)
	}
	if got := set(right, fresh...); got.status != 0 || !strings.Contains(got.stdout, "SUCCEEDED") {
		t.Errorf("the same with the right configuration: %+v", got)
	}
	if got := set(wrong); got.status != 1 {
		t.Errorf("a source that is led astray: %+v", got)
	}
	if got := set(right); got.status != 0 {
		t.Errorf("a source that is corrected: %+v", got)
	}
	if got := set(right, "--plugin", "sqlite"); got.status != 1 || !strings.Contains(got.stderr, "--plugin") {
		t.Errorf("another plugin: %+v", got)
	}
}

// TestAnUnreadableViewKeepsTheSource, since a run that could not read everything
// has worked; and what the command has given to the domain is not called nobody's.
func TestAnUnreadableViewKeepsTheSource(t *testing.T) {
	store := "sqlite:" + filepath.Join(t.TempDir(), "souk.db")
	shop := filepath.Join(t.TempDir(), "shop.db")
	sqliteFile(t, shop, "create table a (i text); create view v as select i from a where i regexp 'x';")
	server, token := serving(t, store)
	person{r: server, token: token}.do("createDomain", "CreateDomainInput", map[string]any{"name": "sales"}, "domain { id }", &struct{}{})
	server.stop()
	got := invoke(t, nil, "harvest", "shop", "--store", store, "--plugin", "sqlite", "--domain", "sales", "--config-json", `{"path": "`+shop+`", "name": "shop"}`)
	if got.status != 0 || !strings.Contains(got.stdout, "PARTIAL") || !strings.Contains(got.stderr, "sqlite://shop = sales") || strings.Contains(got.stdout, "no_owner") {
		t.Errorf("the first harvest: %+v", got)
	}
	if again := invoke(t, nil, "harvest", "shop", "--store", store); again.status != 0 || strings.Contains(again.stdout, "no_owner") {
		t.Errorf("the source is not there any more: %+v", again)
	}
}

// TestAHarvestByHandReadsEverything where a person wants that, and says which it was.
func TestAHarvestByHandReadsEverything(t *testing.T) {
	store := "sqlite:" + filepath.Join(t.TempDir(), "souk.db")
	shop := filepath.Join(t.TempDir(), "shop.db")
	sqliteFile(t, shop, "create table a (i text)")
	server, token := serving(t, store)
	person{r: server, token: token}.do("createDomain", "CreateDomainInput", map[string]any{"name": "sales"}, "domain { id }", &struct{}{})
	server.stop()
	const changes = "only what has changed since "
	for _, c := range []struct {
		assets, says string
		args         []string
	}{
		{"1 asset ", "", []string{"--plugin", "sqlite", "--domain", "sales", "--config-json", `{"path": "` + shop + `", "name": "shop"}`}},
		{"0 assets", changes, nil},
		{"1 asset ", "", []string{"--is-full"}},
	} {
		got := invoke(t, nil, append([]string{"harvest", "shop", "--store", store}, c.args...)...)
		if got.status != 0 || !strings.Contains(got.stdout, c.assets) || strings.Contains(got.stdout, changes) != (c.says != "") {
			t.Errorf("%v: got %+v, want %s, %q", c.args, got, c.assets, c.says)
		}
	}
}

// TestTwoSourcesOfOneName are told apart by the domain.
func TestTwoSourcesOfOneName(t *testing.T) {
	store := "sqlite:" + filepath.Join(t.TempDir(), "souk.db")
	server, token := serving(t, store)
	for _, domain := range []string{"sales", "marketing"} {
		person{r: server, token: token}.do("createDomain", "CreateDomainInput", map[string]any{"name": domain}, "domain { id }", &struct{}{})
	}
	server.stop()
	for _, domain := range []string{"sales", "marketing"} {
		file := filepath.Join(t.TempDir(), domain+".db")
		sqliteFile(t, file, "create table "+domain+" (i text);")
		got := invoke(t, nil, "harvest", "shop", "--store", store, "--plugin", "sqlite", "--domain", domain, "--config-json", `{"path": "`+file+`", "name": "`+domain+`"}`)
		if got.status != 0 || !strings.Contains(got.stdout, "1 created") {
			t.Fatalf("%s: %+v", domain, got)
		}
	}
	if got := invoke(t, nil, "harvest", "shop", "--store", store); got.status != 1 || !strings.Contains(got.stderr, "--domain NAME") {
		t.Errorf("without a domain: %+v", got)
	}
	if got := invoke(t, nil, "harvest", "shop", "--store", store, "--domain", "marketing"); got.status != 0 || !strings.Contains(got.stdout, "0 created, 0 updated") {
		t.Errorf("with its domain: %+v", got)
	}
	if got := invoke(t, nil, "harvest", "shop", "--store", store, "--domain", "salse"); got.status != 1 || !strings.Contains(got.stderr, "did you mean") {
		t.Errorf("with a mistyped domain: %+v", got)
	}
}

// TestTokens is the operator's way back in.
func TestTokens(t *testing.T) {
	store := "sqlite:" + filepath.Join(t.TempDir(), "souk.db")
	server, first := serving(t, store)
	server.stop()
	issued := invoke(t, nil, "token", "issue", "admin", "--store", store, "--lifetime", "1h")
	secret := strings.TrimSpace(issued.stdout)
	if issued.status != 0 || !strings.HasPrefix(secret, "souk_") || secret == first {
		t.Fatalf("issue: %+v", issued)
	}
	id := strings.Fields(issued.stderr)[1]
	opens := func(token string) bool {
		server, _ := serving(t, store)
		defer server.stop()
		return len(person{r: server, token: token}.try(`{ viewer { principal { name } } }`, nil).Errors) == 0
	}
	if !opens(secret) || !opens(first) {
		t.Error("a token opens nothing")
	}
	if got := invoke(t, nil, "token", "revoke", id, "--store", store); got.status != 0 || !strings.Contains(got.stdout, "is revoked") {
		t.Errorf("revoke: %+v", got)
	}
	if opens(secret) || !opens(first) {
		t.Error("revoking one token does not close exactly that one")
	}
}
