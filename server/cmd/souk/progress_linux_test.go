package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog"
	"github.com/souk-mesh/souk/server/policy"
)

// pastDecisions is enough for a bar to be seen moving.
const pastDecisions = 15_000

// TestPublishReplaysThePast publishes twenty tests' worth of rules after fifteen
// thousand logged decisions, on a terminal, where a bar shows how far it is.
func TestPublishReplaysThePast(t *testing.T) {
	if testing.Short() {
		t.Skip("it replays fifteen thousand decisions")
	}
	path := filepath.Join(t.TempDir(), "souk.db")
	server, secret := serving(t, "sqlite:"+path)
	steward := stewardOf(person{r: server, token: secret}, "freight")
	server.stop()
	live(t, "sqlite:"+path)
	server, _ = serving(t, "sqlite:"+path)
	dir := t.TempDir()
	for _, template := range [][]string{{"by_team", "--set", "teams=freight/planners"}, {"geography", "--set", "regions=eu"}, {"by_classification"}} {
		if got := invoke(t, nil, slices.Concat([]string{"policy", "new", "--domain", "freight", "--template"}, template, []string{dir})...); got.status != 0 {
			t.Fatalf("%+v", got)
		}
	}
	begin := time.Now()
	said, shown := onTerminal(t, []string{"SOUK_TOKEN=" + steward.token}, "policy", "publish", dir, "--url", server.url)
	took := time.Since(begin)
	tests := numberIn(t, said, `tested +(\d+) passed, 0 failed`)
	replayed := numberIn(t, said, `replayed +(\d+) decisions`)
	t.Logf("%d tests and a replay of %d decisions took %s", tests, replayed, took.Round(time.Millisecond))
	if tests < 20 || replayed < pastDecisions {
		t.Errorf("got %d tests and %d decisions: %s", tests, replayed, said)
	}
	if !strings.Contains(shown, "replaying") || !regexp.MustCompile(`\(\d+/1\d{4}, \d+ questions/s\)`).MatchString(shown) {
		t.Errorf("no bar on the terminal: %q", shown)
	}
	if took > 2*time.Minute {
		t.Errorf("it took %s; a quiet machine needs less than ten seconds", took)
	}
}

func numberIn(t *testing.T, text, pattern string) int {
	t.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("nothing of %s in: %s", pattern, text)
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// live fills the decision log as months of work do.
func live(t *testing.T, uri string) {
	t.Helper()
	l, err := decisionlog.Open(t.Context(), decisionlog.Config{URI: uri, Relaxed: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range pastDecisions {
		q := policy.Question{
			Action:   model.ActDataRead,
			Subject:  policy.Subject{Type: "person", ID: model.ID(fmt.Sprintf("prn_%d", i%97)), Domain: "freight", Region: []string{"eu", "no"}[i%2]},
			Resource: policy.Resource{Type: "data_product", ID: model.ID(fmt.Sprintf("dpr_%d", i%31)), Domain: "freight", Classification: model.Internal, Status: string(model.Published)},
			Context:  policy.Context{Now: model.Now(), Channel: "graphql"},
		}
		id := model.NewID(model.PrefixDecision)
		err := l.Note(t.Context(), model.DecisionRecord{
			Meta: model.Meta{ID: id}, At: model.Now(), Action: q.Action, PrincipalID: q.Subject.ID, ResourceID: q.Resource.ID, Domain: "freight",
			Outcome: model.Allow, Decision: model.Decision{ID: id, Outcome: model.Allow}, Input: q.Input(),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// stewardOf makes a domain and two stewards of it, and gives one of them.
func stewardOf(admin person, domain string) (steward person) {
	var ids []string
	for _, name := range []string{"hal", "ida"} {
		var made struct{ Principal struct{ ID string } }
		admin.do("createPrincipal", "CreatePrincipalInput", map[string]any{"kind": "PERSON", "name": name, "clearance": "CONFIDENTIAL"}, "principal { id }", &made)
		var issued struct{ Secret string }
		admin.do("issueToken", "IssueTokenInput", map[string]any{"principalId": made.Principal.ID, "name": "test", "lifetime": "PT1H"}, "secret", &issued)
		steward = person{r: admin.r, token: issued.Secret, id: made.Principal.ID}
		ids = append(ids, steward.id)
	}
	admin.do("createDomain", "CreateDomainInput", map[string]any{"name": domain, "stewardIds": ids}, "domain { id }", &struct{}{})
	return steward
}

// onTerminal runs the program with its errors on a terminal, and gives what it
// said and what the terminal was shown.
func onTerminal(t *testing.T, env []string, args ...string) (said, shown string) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	screen, terminal := openTerminal(t)
	cmd := exec.CommandContext(t.Context(), path, args...)
	var out, seen bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, terminal
	cmd.Dir, cmd.Env = t.TempDir(), append([]string{"TMPDIR=" + t.TempDir()}, env...)
	read := make(chan struct{})
	go func() {
		defer close(read)
		_, _ = io.Copy(&seen, screen) // ends with an error once nobody has the terminal open
	}()
	err = cmd.Run()
	_ = terminal.Close()
	<-read
	if err != nil {
		t.Fatalf("%v: %s%s", err, out.String(), seen.String())
	}
	return out.String(), seen.String()
}

// openTerminal makes a terminal of the kernel's: what is written to one end is
// read at the other.
func openTerminal(t *testing.T) (screen, terminal *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("this machine gives no terminals: %v", err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	control, err := screen.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	number := 0
	if failed := control.Control(func(fd uintptr) {
		if err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err == nil {
			number, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	}); failed != nil || err != nil {
		t.Fatal(failed, err)
	}
	if terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Skipf("this machine gives no terminals: %v", err)
	}
	return screen, terminal
}
