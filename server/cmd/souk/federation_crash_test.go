package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/cmd/souk/internal/remote"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/mongo"
	"github.com/souk-mesh/souk/server/store/sqlite"
)

// diesAndComesBack kills the server. What was in force decides from the first
// request on; the log is whole, and every decision in it comes out the same.
func (f *federation) diesAndComesBack() {
	before := f.standing()
	f.souk("", "decisions", "verify").must(f.t, 0, "public key")
	if err := f.server.cmd.Process.Kill(); err != nil {
		f.t.Fatal(err)
	}
	_ = f.server.cmd.Wait() // it was killed
	f.souk("", "decisions", "verify").must(f.t, 0, "1 segment")
	replay := f.souk("", "decisions", "replay")
	found := regexp.MustCompile(`(\d+) the same, 0 different`).FindStringSubmatch(replay.stdout)
	if found == nil || replay.status != 0 {
		f.t.Fatalf("replay: %+v", replay)
	}
	if n, _ := strconv.Atoi(found[1]); n < 10 {
		f.t.Errorf("only %d decisions could be made again: %s", n, replay.stdout)
	}
	f.restart()
	f.reads("nils", "customers", "ALLOW read.team")
	if after := f.standing(); after != before || f.state().OnTrial.ID == "" {
		f.t.Errorf("after a crash:\n%s\nwas\n%s", after, before)
	}
}

// restart starts the server anew on the same store.
func (f *federation) restart() {
	f.t.Helper()
	f.logs += f.server.errs.String()
	f.server.errs.Reset() // a failure tells of the last server
	var token string
	if f.server, token = serving(f.t, f.store, f.env...); token != "" {
		f.t.Error("a second start prints a token")
	}
	f.admin.r = f.server
	for name, p := range f.people {
		p.r = f.server
		f.people[name] = p
	}
}

// rollsBack returns to the rules before, each time in one call, as far as there are any.
func (f *federation) rollsBack() {
	back := func(want string, status int) {
		f.t.Helper()
		f.souk("sue", "policy", "rollback", "--domain", "sales", "--reason", "The seasons can wait.").must(f.t, status, want)
	}
	f.souk("nils", "policy", "rollback", "--domain", "sales", "--reason", "Mine.").must(f.t, 1, "no rule allows this as things stand")
	back("decides by sha256:", 0)
	if s := f.state(); s.Active.ID != f.open {
		f.t.Errorf("after one rollback: %+v", s)
	}
	f.reads("nils", "customers", "ALLOW read.team")
	back("decides by sha256:", 0)
	f.reads("nils", "customers", "DENY no.rule")
	f.reads("mia", "customers", "ALLOW read.grant")
	back("there are no earlier rules", 1)
}

// rollsBackToWhatAnotherEngineChecked makes the past look as if another OPA had
// compiled it, and one revision as if that had understood what ours does not.
func (f *federation) rollsBackToWhatAnotherEngineChecked() {
	f.server.stop()
	sound := f.rewrite(f.raced, "import rego.v2", "import rego.v2")
	broken := f.rewrite(f.open, "import rego.v2", "import future.keywords")
	f.restart()
	before := f.standing()
	refused := f.souk("pia", "policy", "rollback", "--domain", "sales", "--to", broken, "--reason", "As in spring.")
	refused.must(f.t, 1, "the revision was checked by opa 0.1 and does not compile by opa 1.", "the rules in force stay")
	if after := f.standing(); after != before {
		f.t.Errorf("a refused rollback has changed something:\n%s\nwas\n%s", after, before)
	}
	f.souk("pia", "policy", "rollback", "--domain", "sales", "--to", sound, "--reason", "As in summer.").
		must(f.t, 0, "The revision was checked by opa 0.1; it has been checked again by opa 1.")
	f.reads("nils", "customers", "ALLOW read.team")
	if s := f.state(); s.Active.ID != f.raced || s.Problem != "" || slices.Contains(s.PastIDs, sound) {
		f.t.Errorf("what was checked again is not what this engine makes of it: %+v", s)
	}
}

// outlivesRulesThatDoNotLoad starts the server with a revision in force that it
// does not understand: it says so, and decides by rules that are good.
func (f *federation) outlivesRulesThatDoNotLoad() {
	f.server.stop()
	f.change(f.raced, "import rego.v2", "import future.keywords")
	f.restart()
	f.reads("nils", "customers", "DENY no.rule")
	f.reads("sam", "customers", "ALLOW read.member")
	if s := f.state(); !strings.Contains(s.Problem, "rego.v2") || s.Active.ID != f.raced {
		f.t.Errorf("with rules that do not load: %+v", s)
	}
	f.server.stop()
	if !strings.Contains(f.server.errs.String(), "rules in force did not load") {
		f.t.Error("the operator is not told of rules that do not load")
	}
	f.change(f.raced, "import future.keywords", "import rego.v2")
	f.restart()
	f.reads("nils", "customers", "ALLOW read.team")
}

// change rewrites the text of a revision, as nothing but a damaged store would.
func (f *federation) change(id, word, by string) {
	f.t.Helper()
	s, err := f.records()
	if err != nil {
		f.t.Fatal(err)
	}
	r, err := store.PolicyRevisions.Get(f.t.Context(), s, model.ID(id))
	if err == nil {
		r.Modules[0].Text = strings.Replace(r.Modules[0].Text, word, by, 1)
		_, err = s.Apply(f.t.Context(), store.Change{Action: "test", Writes: []store.Write{store.PolicyRevisions.Put(r)}})
	}
	if err = errors.Join(err, s.Close()); err != nil {
		f.t.Fatal(err)
	}
}

// rewrite puts a revision of another engine in the place of one that was in
// force, behind the back of the server, which is down. It gives its id.
func (f *federation) rewrite(id, word, by string) string {
	f.t.Helper()
	s, err := f.records()
	if err != nil {
		f.t.Fatal(err)
	}
	ctx := f.t.Context()
	r, err1 := store.PolicyRevisions.Get(ctx, s, model.ID(id))
	state, err2 := store.PolicyStates.Get(ctx, s, "pst_sales")
	if err := errors.Join(err1, err2); err != nil {
		f.t.Fatal(err)
	}
	r.Meta, r.Engine, r.Hash = model.Meta{ID: model.NewID(model.PrefixRevision)}, "opa 0.1", "sha256:of-another-opa"
	r.Modules[0].Text = strings.Replace(r.Modules[0].Text, word, by, 1)
	state.Past[slices.Index(state.Past, model.ID(id))] = r.ID
	_, err = s.Apply(ctx, store.Change{Action: "test", Writes: []store.Write{store.PolicyRevisions.Put(r), store.PolicyStates.Put(state)}})
	if err = errors.Join(err, s.Close()); err != nil {
		f.t.Fatal(err)
	}
	return string(r.ID)
}

// records opens the store of the server, which is down.
func (f *federation) records() (store.Store, error) {
	if path, ok := strings.CutPrefix(f.store, "sqlite:"); ok {
		return sqlite.Open(f.t.Context(), path)
	}
	return mongo.Open(f.t.Context(), f.store)
}

// stopsAmidstAnAssessment asks the server to stop while it replays, and while
// somebody watches. It ends soon and well, and nothing is half done.
func (f *federation) stopsAmidstAnAssessment() {
	f.askALot(20)
	before := f.standing()
	if why := f.people["sam"].change("assessPolicy", "AssessPolicyInput", map[string]any{"id": f.trial}); why != "" {
		f.t.Fatal(why)
	}
	watching, ended := make(chan string, 1000), make(chan error, 1)
	r := remote.New(f.server.url, f.people["sam"].token)
	go func() {
		query := `subscription A($id: ID!) { policyAssessment(proposalId: $id) { state } }`
		ended <- r.Follow(context.WithoutCancel(f.t.Context()), "policyAssessment", query, map[string]any{"id": f.trial}, func(data json.RawMessage) (bool, error) {
			select {
			case watching <- string(data):
			default:
			}
			return true, nil
		})
	}()
	f.t.Logf("when the server is stopped the assessment is %s", <-watching)
	begun := time.Now()
	f.server.stop()
	if took := time.Since(begun); took > 15*time.Second {
		f.t.Errorf("it took %v to stop", took)
	}
	if err := <-ended; err != nil {
		f.t.Errorf("the stream breaks off: %v", err)
	}
	f.restart()
	if after := f.standing(); after != before {
		f.t.Errorf("after the restart:\n%s\nwas\n%s", after, before)
	}
	f.people["sam"].assess(f.trial)
	f.server.stop()
	f.souk("", "decisions", "verify").must(f.t, 0, "public key")
	f.souk("", "decisions", "replay").must(f.t, 0, " 0 different")
}

// askALot has so many batches of decisions made.
func (f *federation) askALot(batches int) {
	f.t.Helper()
	one := map[string]any{
		"subject": map[string]any{"type": "person", "id": "nils"}, "resource": map[string]any{"type": "data_product", "id": "sales/customers"},
		"context": map[string]any{"purpose": campaign},
	}
	many := make([]map[string]any, 500)
	for i := range many {
		many[i] = map[string]any{"action": map[string]any{"name": fmt.Sprintf("app.wish_%d", i)}}
	}
	one["evaluations"] = many
	for range batches {
		f.post("/access/v1/evaluations", one, nil)
	}
}

// keepsSecrets looks for what must be nobody's but the owner's.
func (f *federation) keepsSecrets() {
	logs := f.logs + f.server.errs.String()
	key, err := os.ReadFile(f.key)
	if err != nil {
		f.t.Fatal(err)
	}
	secrets := []string{strings.Split(string(key), "\n")[1], campaign, f.admin.token}
	for _, p := range f.people {
		secrets = append(secrets, p.token)
	}
	for _, secret := range secrets {
		if strings.Contains(logs, secret) {
			f.t.Errorf("the log of the server tells %.12s...", secret)
		}
	}
	if !strings.Contains(logs, `"msg":"request"`) {
		f.t.Error("the server logs nothing, so that nothing was looked at")
	}
	for line := range strings.Lines(logs) {
		if !json.Valid([]byte(line)) {
			f.t.Errorf("the log is not as the operator wants it: %s", line)
		}
	}
	private := map[string]fs.FileMode{f.key: 0o600}
	if path, ok := strings.CutPrefix(f.store, "sqlite:"); ok {
		beside := strings.TrimSuffix(path, ".db") + "-decisions"
		private[path], private[beside], private[beside+".key"] = 0o600, fs.ModeDir|0o700, 0o600
	}
	for name, want := range private {
		info, err := os.Stat(filepath.Clean(name))
		if err != nil || info.Mode() != want {
			f.t.Errorf("%s: got %v, want the mode %v, %v", name, info, want, err)
		}
	}
}
