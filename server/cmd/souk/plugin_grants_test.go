package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPluginGrants goes the way of one grant by hand, on a real server.
func TestPluginGrants(t *testing.T) {
	address := os.Getenv("SOUK_TEST_POSTGRES_URL")
	if address == "" {
		missing(t, "SOUK_TEST_POSTGRES_URL", ".ci/postgres starts a server and prints it")
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal("SOUK_TEST_POSTGRES_URL is no URL")
	}
	name := fmt.Sprintf("souk_hand_%x", rand.Uint64())
	root := dial(t, address)
	run := func(ctx context.Context, statements ...string) {
		for _, q := range statements {
			if _, err := root.Exec(ctx, q); err != nil {
				t.Errorf("%s: %v", q, err)
			}
		}
	}
	run(t.Context(), "create database "+name, "create role "+name+"_writer login password 'canary-5d1f0c'", "create role "+name+"_ana")
	t.Cleanup(func() {
		ctx := context.Background()
		run(ctx, "drop database "+name+" with (force)", "drop role "+name+"_writer", "drop role "+name+"_ana")
		_ = root.Close(ctx)
	})
	u.Path = "/" + name
	within := dial(t, u.String())
	for _, q := range []string{"create table public.orders (id int, email text)", "grant select on public.orders to " + name + "_writer with grant option"} {
		if _, err := within.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	_ = within.Close(t.Context())
	u.User = url.User("nobody")
	dir := t.TempDir()
	grant, plan := filepath.Join(dir, "grant.json"), filepath.Join(dir, "plan.json")
	writeText(t, grant, fmt.Sprintf(`{"grant": {"id": "g1", "asset": {"namespace": "postgres://shop", "name": "%[1]s.public.orders"}, "role": "%[1]s_ana", "fields": ["id"]}}`, name))
	config := fmt.Sprintf(`{"url": %q, "namespace": "postgres://shop", "transport": "clear", "grants": {"role": "%s_writer"}}`, u.String(), name)
	hand := func(action string, more ...string) said {
		args := []string{"plugin", "grants", "postgres", action, "--config-json", config, "--secret", "grants.password=env:HAND_PASSWORD", "--grant", "@" + grant}
		return invoke(t, []string{"HAND_PASSWORD=canary-5d1f0c"}, append(args, more...)...)
	}
	planned := hand("plan")
	if want := `GRANT SELECT (\"id\") ON \"public\".\"orders\" TO \"` + name + `_ana\"`; planned.status != 0 || !strings.Contains(planned.stdout, want) {
		t.Fatalf("got %+v, want %s", planned, want)
	}
	writeText(t, plan, planned.stdout)
	for _, step := range []struct{ action, want string }{
		{"apply", "done"}, {"apply", "already"}, {"verify", `"given":true,"readable":["id"]`}, {"list", `"fields":["id"],"by":"` + name + `_writer","ours":true`},
	} {
		if got := hand(step.action, "--plan", "@"+plan); got.status != 0 || !strings.Contains(got.stdout, step.want) {
			t.Errorf("%s: got %+v, want %s", step.action, got, step.want)
		}
	}
	if got := hand("apply", "--plan", "@"+plan, "--revoke"); got.status == 0 || !strings.Contains(got.stderr, "plan again") {
		t.Errorf("a plan of something else: %+v", got)
	}
	writeText(t, plan, hand("plan", "--revoke").stdout)
	if got := hand("apply", "--plan", "@"+plan, "--revoke"); got.status != 0 || !strings.Contains(got.stdout, "done") {
		t.Errorf("revoke: %+v", got)
	}
	for want, args := range map[string][]string{
		"there is no such action": {"give"}, "is no grant": {"plan", "--grant", "[]"}, "is no plan": {"apply", "--plan", "7"}, "is not set": {"plan", "--config-json", `{"url": "postgres://a@b/c"}`, "--secret", "grants.password=value:"},
	} {
		if got := hand(args[0], args[1:]...); got.status == 0 || !strings.Contains(got.stderr, want) {
			t.Errorf("%v: got %+v, want %s", args, got, want)
		}
	}
}
