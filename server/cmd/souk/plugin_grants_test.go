package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/souk-mesh/souk/plugins/mysql/mariadbtest"
)

// databaseOfGrants makes a database with a table, a role that may pass on what it
// reads of it, and one that reads nothing. It gives its address and its name, with
// which those of the roles begin.
func databaseOfGrants(t *testing.T, address string) (*url.URL, string) {
	t.Helper()
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
	return u, name
}

// TestPluginGrants goes the way of one grant by hand, on a real server.
func TestPluginGrants(t *testing.T) {
	address := os.Getenv("SOUK_TEST_POSTGRES_URL")
	if address == "" {
		missing(t, "SOUK_TEST_POSTGRES_URL", ".ci/postgres starts a server and prints it")
	}
	u, name := databaseOfGrants(t, address)
	u.User = url.User("nobody")
	hand := byHand{
		t: t, plugin: "postgres", dir: t.TempDir(),
		config: fmt.Sprintf(`{"url": %q, "namespace": "postgres://shop", "transport": "clear", "grants": {"role": "%s_writer"}}`, u.String(), name),
	}
	hand.goes(fmt.Sprintf(`{"grant": {"id": "g1", "asset": {"namespace": "postgres://shop", "name": "%[1]s.public.orders"}, "role": "%[1]s_ana", "fields": ["id"]}}`, name),
		`GRANT SELECT (\"id\") ON \"public\".\"orders\" TO \"`+name+`_ana\"`, `"fields":["id"],"by":"`+name+`_writer","ours":true`)
	for want, args := range map[string][]string{
		"there is no such action": {"give"}, "is no grant": {"plan", "--grant", "[]"}, "is no plan": {"apply", "--plan", "7"}, "is not set": {"plan", "--config-json", `{"url": "postgres://a@b/c"}`, "--secret", "grants.password=value:"},
	} {
		if got := hand.does(args[0], args[1:]...); got.status == 0 || !strings.Contains(got.stderr, want) {
			t.Errorf("%v: got %+v, want %s", args, got, want)
		}
	}
}

// byHand goes the way of one grant on the command line.
type byHand struct {
	t      *testing.T
	plugin string
	config string
	dir    string
	reads  string // what verify tells, by default the field id
}

func (h byHand) does(action string, more ...string) said {
	args := []string{"plugin", "grants", h.plugin, action, "--config-json", h.config, "--secret", "grants.password=env:HAND_PASSWORD", "--grant", "@" + filepath.Join(h.dir, "grant.json")}
	return invoke(h.t, []string{"HAND_PASSWORD=canary-5d1f0c"}, append(args, more...)...)
}

// goes plans the grant, gives it twice, looks at it and takes it away.
func (h byHand) goes(grant, statement, listed string) {
	h.t.Helper()
	plan := filepath.Join(h.dir, "plan.json")
	writeText(h.t, filepath.Join(h.dir, "grant.json"), grant)
	planned := h.does("plan")
	if planned.status != 0 || !strings.Contains(planned.stdout, statement) {
		h.t.Fatalf("got %+v, want %s", planned, statement)
	}
	writeText(h.t, plan, planned.stdout)
	for _, step := range []struct{ action, want string }{
		{"apply", "done"}, {"apply", "already"}, {"verify", `"given":true,"readable":["` + cmp.Or(h.reads, "id") + `"]`}, {"list", listed},
	} {
		if got := h.does(step.action, "--plan", "@"+plan); got.status != 0 || !strings.Contains(got.stdout, step.want) {
			h.t.Errorf("%s: got %+v, want %s", step.action, got, step.want)
		}
	}
	if got := h.does("apply", "--plan", "@"+plan, "--revoke"); got.status == 0 || !strings.Contains(got.stderr, "plan again") {
		h.t.Errorf("a plan of something else: %+v", got)
	}
	writeText(h.t, plan, h.does("plan", "--revoke").stdout)
	if got := h.does("apply", "--plan", "@"+plan, "--revoke"); got.status != 0 || !strings.Contains(got.stdout, "done") {
		h.t.Errorf("revoke: %+v", got)
	}
}

// TestPluginGrantsOfMariaDB goes the same way on the other real server.
func TestPluginGrantsOfMariaDB(t *testing.T) {
	root := mariadbtest.Open(t)
	name := fmt.Sprintf("souk_hand_%x", rand.Uint64())
	root.Run("create database "+name, "create table "+name+".orders (id int, email text)", "create user "+name+"_ana")
	root.After("drop database "+name, "drop user "+name+"_ana")
	root.Granter(name+"_writer", "canary-5d1f0c", name+"_grants", name+".orders")
	hand := byHand{
		t: t, plugin: "mysql", dir: t.TempDir(),
		config: fmt.Sprintf(`{"url": "mysql://nobody@%[1]s", "namespace": "mysql://shop", "transport": "encrypted", "grants": {"user": "%[2]s_writer", "database": "%[2]s_grants"}}`, root.URL.Host, name),
	}
	hand.goes(fmt.Sprintf(`{"grant": {"id": "g1", "asset": {"namespace": "mysql://shop", "name": "%[1]s.orders"}, "role": "%[1]s_ana", "fields": ["id"]}}`, name),
		"GRANT SELECT (`id`) ON `"+name+"`.`orders` TO `"+name+"_ana`@`%`", `"fields":["id"],"by":"`+"`"+name+"_writer`@`%`"+`","ours":true`)
}

// TestPluginGrantsOfKafka goes the same way on a fake cluster with rights.
func TestPluginGrantsOfKafka(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"), kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("SCRAM-SHA-512", "giver", "canary-5d1f0c"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	hand := byHand{
		t: t, plugin: "kafka", dir: t.TempDir(), reads: "_value",
		config: fmt.Sprintf(`{"brokers": [%q], "namespace": "kafka://shop", "transport": "clear", "grants": {"user": "giver"}}`, fake.ListenAddrs()[0]),
	}
	hand.goes(`{"grant": {"id": "g1", "asset": {"namespace": "kafka://shop", "name": "orders"}, "role": "User:ana"}}`,
		"--add --allow-principal 'SoukGrant:g1/User:ana' --allow-host '*' --operation Read --topic 'orders'", `"by":"User:giver","ours":true,"grantId":"g1"`)
}
