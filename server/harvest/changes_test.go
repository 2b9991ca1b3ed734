package harvest_test

import (
	"context"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/server/harvest"
	"github.com/souk-mesh/souk/server/harvest/increment"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// teller is a script that is told from where to go on, which it writes beside
// itself. Its further lines are
//
//	kept SCOPE     gone SCOPE NAME     all-gone SCOPE COUNT     mark WATERMARK     expired
type teller struct {
	script

	out  sdk.ChangeSink
	mark string
}

func (s *teller) Changes(ctx context.Context, req sdk.Request, since sdk.Watermark, out sdk.ChangeSink) (sdk.Watermark, error) {
	s.out = out
	asked, err := os.OpenFile(s.config.File+".since", os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	_, _ = asked.WriteString(string(since) + ";")
	if err := asked.Close(); err != nil {
		return nil, err
	}
	err = s.each(req, func(words []string) error { return s.tell(ctx, since, words) })
	return sdk.Watermark(s.mark), err
}

func (s *teller) tell(ctx context.Context, since sdk.Watermark, words []string) error {
	switch words[0] {
	case "kept":
		return s.out.ScopeKept(words[1])
	case "gone":
		return s.out.Gone(words[1], s.id(words[2]))
	case "all-gone": // of what tables has shown
		count, _ := strconv.Atoi(words[2])
		for i := range count {
			if err := s.out.Gone(words[1], s.id(words[1]+".t"+strconv.Itoa(i))); err != nil {
				return err
			}
		}
		return nil
	case "mark":
		s.mark = words[1]
		return nil
	case "expired":
		if len(since) > 0 {
			return sdk.Expired("the source has forgotten")
		}
		return nil
	case "whole": // the rest is for a harvest of everything
		if len(since) == 0 {
			return s.do(ctx, s.out, words[1], words[2:])
		}
		return nil
	}
	return s.do(ctx, s.out, words[0], words[1:])
}

func (w *world) teller() model.Source {
	w.t.Helper()
	return w.source(func(n *harvest.NewSource) { n.Plugin = "teller" })
}

// asked are the watermarks that the plugin was handed since the last question.
func (w *world) asked() string {
	w.t.Helper()
	text, err := os.ReadFile(w.script + ".since")
	if err != nil {
		w.t.Fatal(err)
	}
	_ = os.Remove(w.script + ".since")
	return string(text)
}

// followed runs the script and wants it to have been asked since these watermarks.
func (w *world) followed(s model.Source, asked string, lines ...string) model.Run {
	w.t.Helper()
	run := w.succeed(s, lines...)
	if got := w.asked(); got != asked {
		w.t.Errorf("it was asked since %q, want %q", got, asked)
	}
	if changes := !strings.HasSuffix(asked, ";") || asked != ";" && !strings.HasSuffix(asked, ";;"); run.Changes != changes {
		w.t.Errorf("asked since %q the run says that it reads what has changed alone: %v", asked, run.Changes)
	}
	return run
}

// whole is the harvest that the others begin with: 9 tables, that the fail-safe lets one go.
func whole() []string {
	return []string{
		"table main a id", "table main b id", "table main c id", "table main d id", "table main e id", "table main f id", "edge main a b", "edge main b c", "rule main b checked pass",
		"table more x id", "table more y id", "done main", "done more", "mark one",
	}
}

// TestOnlyWhatHasChangedIsRead retires what the source says is gone, with what
// hangs on it, and nothing that it merely did not show.
func TestOnlyWhatHasChangedIsRead(t *testing.T) {
	enginetest.Each(t, func(t *testing.T, db store.Store) {
		t.Helper()
		w := newWorldOn(t, db)
		s := w.teller()
		first := w.followed(s, ";", whole()...)
		if first.Changes || first.ChangesSince != nil {
			t.Errorf("the first run: %+v", first)
		}
		still := w.followed(s, "one;", "kept main", "kept more", "mark two")
		if still.Counts != (model.RunCounts{}) || still.ChangesSince == nil || !still.ChangesSince.Equal(first.StartedAt) || len(still.Notes) != 0 {
			t.Errorf("nothing has changed, and the run came to %+v, notes %+v", still, still.Notes)
		}
		run := w.followed(s, "two;", "table main a id total", "table main new id", "edge main a new", "gone main b", "gone main never", "kept main", "kept more", "mark three")
		if run.Counts.Retired != 1 || run.Counts.Created != 1 || run.Counts.Updated != 1 {
			t.Errorf("got %+v, notes %+v", run.Counts, run.Notes)
		}
		if d := cmp.Diff([]string{"shop.b"}, samples(run)["retired"]); d != "" {
			t.Error(d)
		}
		if got := w.assets(model.AssetActive); len(got) != 8 || slices.Contains(got, "b") || slices.Contains(got, "never") {
			t.Errorf("active are %v", got)
		}
		if edges := w.edges(); len(edges) != 1 || edges[0].ToID != w.named("shop.new").ID {
			t.Errorf("got edges %+v", edges)
		}
		if rules := w.rules(); len(rules) != 0 {
			t.Errorf("got rules %+v", rules)
		}
		// A scope that is read whole loses what was not shown, as always.
		last := w.followed(s, "three;", "table more x id", "done more", "kept main", "mark four")
		if last.Counts.Retired != 1 || w.named("shop.y").Status != model.AssetRetired {
			t.Errorf("got %+v", last.Counts)
		}
		if got := w.reload(s).Scopes; !slices.Equal(got, []string{"main", "more"}) {
			t.Errorf("the source remembers %v", got)
		}
	})
}

func (w *world) rules() (rules []model.QualityRule) {
	w.t.Helper()
	for r, err := range store.QualityRules.All(w.t.Context(), w.store, store.Query{Index: "by_scope", Where: store.Eq("scope", store.ScopeKey(w.last, "main"))}) {
		if err != nil {
			w.t.Fatal(err)
		}
		rules = append(rules, r)
	}
	return rules
}

// TestEverythingIsReadAgain by its time, at a person's word, where a watermark has
// lost its ground, and after what it must not go on from.
func TestEverythingIsReadAgain(t *testing.T) {
	w, clock, _ := scheduled(t)
	s := w.teller()
	w.followed(s, ";", whole()...)
	kept := []string{"kept main", "kept more", "mark two"}
	w.followed(s, "one;", kept...)

	clock.forward(25 * time.Hour)
	w.followed(s, ";", whole()...)
	hours := 48 * time.Hour
	w.edit(s, harvest.SourceEdit{FullEvery: &hours})
	clock.forward(25 * time.Hour)
	w.followed(s, "one;", kept...)
	clock.forward(24 * time.Hour)
	w.followed(s, ";", whole()...)
	clock.forward(-20 * time.Hour) // the clock goes back
	w.followed(s, ";", whole()...)

	writeScript(t, w.script, whole()...)
	asked, err := w.StartAs(w.ctx, s.ID, "manual", harvest.How{Full: true})
	if err != nil {
		t.Fatal(err)
	}
	if run := w.wait(asked); w.asked() != ";" || run.Changes {
		t.Errorf("a person wants a full run, and got %+v", run)
	}
	config := w.scripted()
	config = append(config[:len(config)-1], `,"port":7}`...)
	w.edit(s, harvest.SourceEdit{Config: &config})
	w.followed(s, ";", whole()...)
	secrets := map[string]model.SecretRef{"password": "env:SOUK_TEST_SECRET_A"}
	t.Setenv("SOUK_TEST_SECRET_A", "canary-Pa55word!")
	w.edit(s, harvest.SourceEdit{Secrets: &secrets})
	w.followed(s, ";", whole()...)
	lifted := true
	w.edit(s, harvest.SourceEdit{AllowRetireAll: &lifted})
	w.followed(s, ";", whole()...)
	run := w.followed(s, "one;", "table main a id wrong", "kept main", "kept more", "mark two")
	if _, err := w.Undo(w.ctx, run.ID); err != nil {
		t.Fatal(err)
	}
	if got := w.named("shop.a"); len(got.Fields) != 1 {
		t.Errorf("a run that read what has changed is undone, and leaves %+v", got.Fields)
	}
	w.followed(s, ";", whole()...)
	for _, d := range []time.Duration{time.Minute, 31 * 24 * time.Hour, -time.Hour} {
		_, err := w.UpdateSource(w.ctx, harvest.SourceEdit{ID: s.ID, FullEvery: &d})
		servertest.WantKind(t, err, model.KindInvalid)
	}
	if due := increment.Due(w.reload(s)); due == nil || due.Sub(*w.reload(s).FullAt) != hours {
		t.Errorf("the next full run is due %v", due)
	}
}

// TestAWatermarkIsNotKept of what has not read all of its own.
func TestAWatermarkIsNotKept(t *testing.T) {
	w := newWorld(t)
	s := w.teller()
	w.followed(s, ";", whole()...)
	fails := func(lines ...string) model.Run {
		run := w.run(s, lines...)
		if asked, mark := w.asked(), string(w.reload(s).Watermark); asked != "one;" || mark != "one" {
			t.Errorf("%v: asked since %s, and left %s", lines, asked, mark)
		}
		return run
	}
	if run := fails("table main a id total", "mark two", "unavailable"); run.Status != model.RunFailed {
		t.Errorf("got %s", run.Status)
	}
	if run := fails("note error broken main", "kept more", "mark two"); run.Status != model.RunPartial {
		t.Errorf("got %s", run.Status)
	}
	if run := fails("gone main a", "kept more", "mark two"); run.Counts.Retired != 0 {
		t.Errorf("what is gone from a scope that did not end is retired: %+v", run.Counts)
	}
	if run := fails("gone more x", "gone more y", "kept more", "kept main", "mark two"); !slices.Contains(codes(run), "retire_blocked") || run.Counts.Retired != 0 {
		t.Errorf("the fail-safe let pass %+v, notes %v", run.Counts, codes(run))
	}
	if run := fails("table main a id", "gone main a", "kept more", "kept main", "mark one"); !slices.Contains(codes(run), "gone_but_shown") || run.Counts.Retired != 0 {
		t.Errorf("what was shown is retired: %+v, notes %v", run.Counts, codes(run))
	}
	w.followed(s, "one;", "kept main", "kept more", "mark two")
	// A full run of which the fail-safe held something back is followed by another.
	writeScript(t, w.script, append(whole()[:9], "done main", "done more", "mark two")...)
	run, err := w.StartAs(w.ctx, s.ID, "manual", harvest.How{Full: true})
	if err != nil {
		t.Fatal(err)
	}
	if run = w.wait(run); run.Counts.Retired != 0 || !slices.Contains(codes(run), "retire_blocked") {
		t.Errorf("the fail-safe let pass %+v, notes %v", run.Counts, codes(run))
	}
	w.asked()
	w.followed(s, ";", whole()...)
}

// TestAnExpiredWatermark has everything read in the same run, once.
func TestAnExpiredWatermark(t *testing.T) {
	w := newWorld(t)
	s := w.teller()
	w.followed(s, ";", whole()...)
	run := w.followed(s, "one;;", append([]string{"table main a id more", "expired"}, slices.Replace(whole(), 13, 14, "mark two")...)...)
	if run.Changes || run.ChangesSince != nil || !slices.Contains(codes(run), "watermark_expired") || run.Counts.Retired != 0 {
		t.Errorf("got %+v, notes %v", run, codes(run))
	}
	w.followed(s, "two;", "kept main", "kept more", "mark three")
}

// TestARunOfChangesGoesOn where an interrupted one left it, as one of the same
// kind, and the watermark of before stands until one has seen everything of it.
func TestARunOfChangesGoesOn(t *testing.T) {
	w := newWorld(t)
	s := w.teller()
	w.followed(s, ";", whole()...)
	w.run(s, "gone main b", "table main new id", "checkpoint half", "unavailable")
	w.asked()
	run := w.followed(s, "one;", "gone main b", "table main new id", "checkpoint half", "table main newer id", "kept main", "kept more", "mark two")
	if run.Counts.Retired != 0 || run.Counts.Created != 1 || !slices.Contains(codes(run), "resumed") {
		t.Errorf("got %+v, notes %v", run.Counts, codes(run))
	}
	run = w.followed(s, "one;", "gone main b", "table main new id", "table main newer id", "kept main", "kept more", "mark two")
	if run.Counts.Retired != 1 {
		t.Errorf("got %+v, notes %v", run.Counts, codes(run))
	}
	w.followed(s, "two;", "kept main", "kept more", "mark three")
	// Where its ground has moved meanwhile, everything is read from the beginning.
	w.run(s, "table main newest id", "checkpoint half", "unavailable")
	secrets := map[string]model.SecretRef{"password": "env:SOUK_TEST_SECRET_A"}
	t.Setenv("SOUK_TEST_SECRET_A", "canary-Pa55word!")
	w.edit(s, harvest.SourceEdit{Secrets: &secrets})
	w.asked()
	if run = w.followed(s, ";", slices.Insert(whole(), 0, "checkpoint half")...); slices.Contains(codes(run), "resumed") {
		t.Errorf("a full run went on from a run of what has changed: %+v", run.Notes)
	}
	// One that reads everything and is taken up again leaves none.
	writeScript(t, w.script, "table main a id", "checkpoint half", "unavailable")
	if broken, err := w.StartAs(w.ctx, s.ID, "manual", harvest.How{Full: true}); err != nil || w.wait(broken).Status != model.RunFailed {
		t.Fatal(err)
	}
	w.asked()
	w.followed(s, ";", slices.Insert(slices.Delete(whole(), 6, 8), 1, "checkpoint half")...)
	w.followed(s, ";", whole()...)
	w.followed(s, "one;", "kept main", "kept more", "mark two")
}

// TestARunOfChangesIsTakenOver by another server as one of the same kind, since
// the watermark and the checkpoint are the source's and no server's.
func TestARunOfChangesIsTakenOver(t *testing.T) {
	w := newWorld(t)
	s := w.teller()
	w.followed(s, ";", whole()...)
	writeScript(t, w.script, "table main new id", "checkpoint half", "hang")
	run, err := w.Start(w.ctx, s.ID, "manual")
	if err != nil {
		t.Fatal(err)
	}
	w.awaitCounts(run, 1)
	rest := []string{"table main new id", "checkpoint half", "gone main b", "kept main", "kept more", "mark two"}
	writeScript(t, w.script, rest...)
	elsewhere := harvest.New(w.config)
	t.Cleanup(elsewhere.Close)
	system := model.WithPrincipal(t.Context(), model.System())
	elsewhere.Tick(system)
	elsewhere.Silence(25 * time.Second)
	elsewhere.Tick(system)
	next, err := elsewhere.Wait(w.ctx, w.reload(s).LastRunID)
	if err != nil || next.Trigger != "takeover" || next.Status != model.RunSucceeded || !next.Changes || next.Counts.Retired != 0 {
		t.Errorf("it was carried on as %+v, %v", next, err)
	}
	if got := w.asked(); got != "one;one;" {
		t.Errorf("it was asked since %q", got)
	}
	if run := w.followed(s, "one;", rest...); run.Counts.Retired != 1 { // what was taken over has not seen all of its own
		t.Errorf("got %+v", run.Counts)
	}
	w.followed(s, "two;", "kept main", "kept more", "mark three")
}

// TestAPreviewOfChanges tells what a run would do, and leaves the watermark.
func TestAPreviewOfChanges(t *testing.T) {
	w := newWorld(t)
	s := w.teller()
	w.followed(s, ";", whole()...)
	lines := []string{"gone main b", "table main new id", "kept main", "kept more", "mark two"}
	held, before := w.everything(s), w.reload(s)
	seen := w.preview(s, lines...)
	if got := w.asked(); got != "one;" || !seen.Changes || !slices.Equal(samples(seen)["would_retire"], []string{"shop.b"}) || !slices.Equal(samples(seen)["would_create"], []string{"shop.new"}) {
		t.Errorf("since %s: %+v", got, seen)
	}
	if d := cmp.Diff(held, w.everything(s)); d != "" || string(w.reload(s).Watermark) != string(before.Watermark) {
		t.Errorf("a preview has changed something: %s", d)
	}
	run := w.followed(s, "one;", lines...)
	if d := cmp.Diff(run.Counts, seen.Counts); d != "" {
		t.Errorf("the run that followed counts otherwise (-run +preview):\n%s", d)
	}
	if _, err := w.Undo(w.ctx, run.ID); err != nil {
		t.Fatal(err)
	}
	if b, fresh := w.named("shop.b"), w.named("shop.new"); b.Status != model.AssetActive || fresh.Status != model.AssetRetired || len(w.edges()) != 2 || len(w.rules()) != 1 {
		t.Errorf("after undo: b is %s, new is %s, %d edges, %d rules", b.Status, fresh.Status, len(w.edges()), len(w.rules()))
	}
}
