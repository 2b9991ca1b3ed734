package sdk_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/sdk"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// wire keeps what a sink sends, in short.
type wire struct {
	mu     sync.Mutex
	events []string
	done   *harvestv1.Done
	fail   error
}

func (w *wire) send(e *harvestv1.HarvestEvent) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := e.GetEvent().(type) {
	case *harvestv1.HarvestEvent_Batch:
		w.events = append(w.events, fmt.Sprintf("batch %d of %d", e.Batch.GetSeq(), len(e.Batch.GetRecords())))
	case *harvestv1.HarvestEvent_Checkpoint:
		w.events = append(w.events, "checkpoint "+string(e.Checkpoint.GetState()))
	case *harvestv1.HarvestEvent_ScopeDone:
		w.events = append(w.events, "scope "+e.ScopeDone.GetScope())
	case *harvestv1.HarvestEvent_Progress:
		w.events = append(w.events, fmt.Sprintf("progress %d", e.Progress.GetDone()))
	case *harvestv1.HarvestEvent_Note:
		w.events = append(w.events, "note "+e.Note.GetSample())
	case *harvestv1.HarvestEvent_Heartbeat:
		w.events = append(w.events, "heartbeat")
	case *harvestv1.HarvestEvent_Done:
		w.events, w.done = append(w.events, "done"), e.Done
	}
	return w.fail
}

func (w *wire) sent() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.events
}

func book(i int) *sdk.Asset {
	return &sdk.Asset{ID: sdk.NativeID{Namespace: "shelf://home", Name: fmt.Sprint("book ", i)}, Scope: "shelf", Kind: "FILE"}
}

func TestBatches(t *testing.T) {
	var w wire
	s := sdk.NewTestSink(t.Context(), nil, w.send)
	for i := range 250 {
		if err := s.Emit(book(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(s.Checkpoint([]byte("250")), s.Emit(book(250)), s.ScopeDone("shelf"), s.ScopeDone("shelf"), s.Finish()); err != nil {
		t.Fatal(err)
	}
	s.Close()
	want := []string{"batch 1 of 100", "batch 2 of 100", "batch 3 of 50", "checkpoint 250", "batch 4 of 1", "scope shelf", "scope shelf", "done"}
	if diff := cmp.Diff(want, w.events); diff != "" {
		t.Error(diff)
	}
	if w.done.GetAssets() != 251 || w.done.GetScopes() != 1 || w.done.GetEdges() != 0 {
		t.Errorf("counts: %v", w.done)
	}
}

func TestBigRecordsTravelInSmallBatches(t *testing.T) {
	var w wire
	s := sdk.NewTestSink(t.Context(), nil, w.send)
	for i := range 5 {
		a := book(i)
		a.Description = strings.Repeat("x", 100<<10)
		if err := s.Emit(a); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
	if diff := cmp.Diff([]string{"batch 1 of 2", "batch 2 of 2"}, w.events); diff != "" {
		t.Error(diff)
	}
}

// TestADefinitionLargerThanARecordIsCut, noted, and never a reason to refuse the record.
func TestADefinitionLargerThanARecordIsCut(t *testing.T) {
	var w wire
	s := sdk.NewTestSink(t.Context(), []string{"canary-Pa55word"}, w.send)
	a := book(1)
	a.Definition = strings.Repeat("x", 64<<10-10) + "canary-Pa55word" + strings.Repeat("y", 2<<20)
	if err := errors.Join(s.Emit(a), s.Finish()); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if diff := cmp.Diff([]string{"note book 1", "batch 1 of 1", "done"}, w.events); diff != "" || strings.Contains(a.Definition, "cana") {
		t.Error(diff, a.Definition[len(a.Definition)-30:])
	}
}

func TestWhatWaitsIsSentSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w wire
		s := sdk.NewTestSink(t.Context(), nil, w.send)
		defer s.Close()
		if err := errors.Join(s.Emit(book(1)), s.Progress(1, 9, "books"), s.Progress(2, 9, "books")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(301 * time.Millisecond)
		synctest.Wait()
		if diff := cmp.Diff([]string{"progress 2", "batch 1 of 1"}, w.sent()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestHeartbeatOnlyWhileTheAuthorsCodeLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w wire
		s := sdk.NewTestSink(t.Context(), nil, w.send)
		defer s.Close()
		time.Sleep(16 * time.Second) // hangs from the start: silence
		synctest.Wait()
		if len(w.sent()) != 0 {
			t.Errorf("got %v", w.sent())
		}
		if err := s.Emit(&sdk.Asset{}); err == nil { // lives, and has nothing to send
			t.Error("a bad record is taken")
		}
		_ = s.ScopeDone("")
		_ = s.Progress(1, 0, "")
		time.Sleep(time.Minute)
		synctest.Wait()
		if diff := cmp.Diff([]string{"progress 1"}, w.sent()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestScopesWithErrorsAreNotDone(t *testing.T) {
	var w wire
	s := sdk.NewTestSink(t.Context(), nil, w.send)
	defer s.Close()
	if err := errors.Join(s.Note(sdk.Note{Level: sdk.ErrorLevel, Scope: "a", Sample: "x"}), s.Note(sdk.Note{Level: sdk.WarnLevel, Scope: "b"})); err != nil {
		t.Fatal(err)
	}
	if e, ok := errors.AsType[*sdk.Error](s.ScopeDone("a")); !ok || e.Code != "scope_incomplete" {
		t.Error("the scope a is done")
	}
	if s.ScopeDone("b") != nil || s.ScopeDone("") == nil {
		t.Error("the scope b is not done, or one without a name is")
	}
	if err := errors.Join(s.Note(sdk.Note{Level: sdk.ErrorLevel, Scope: "one", Asset: book(1).ID}), s.ScopeDone("one")); err != nil {
		t.Error("one asset that cannot be described keeps its scope open")
	}
	if err := s.Note(sdk.Note{Level: sdk.ErrorLevel}); err != nil || s.ScopeDone("c") == nil {
		t.Error("an error of the whole run leaves scopes done")
	}
}

func TestSecretsDoNotTravel(t *testing.T) {
	var w wire
	s := sdk.NewTestSink(t.Context(), []string{canary}, w.send)
	defer s.Close()
	a := book(1)
	a.ID.Name = "https://ana:canary-Pa55word%21@h/"
	for name, err := range map[string]error{
		"in a record": s.Emit(a), "in a checkpoint": s.Checkpoint([]byte("x" + canary)),
	} {
		if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Code != "secret_in_record" || strings.Contains(fmt.Sprint(e, e.Fix), canary) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := s.Note(sdk.Note{Level: sdk.InfoLevel, Sample: "with " + canary}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"note with [secret]"}, w.events); diff != "" {
		t.Error(diff)
	}
}

// TestSecretsInTextsAreStruck: what people wrote is no reason to refuse a record.
func TestSecretsInTextsAreStruck(t *testing.T) {
	var sent *harvestv1.Asset
	s := sdk.NewTestSink(t.Context(), []string{canary}, func(e *harvestv1.HarvestEvent) error {
		if b := e.GetBatch(); b != nil {
			sent = b.GetRecords()[0].GetAsset()
		}
		return nil
	})
	defer s.Close()
	a := book(1)
	a.Properties, a.Description = map[string]string{"dsn": "https://ana:canary-Pa55word%21@h/"}, "log in with "+canary
	a.Fields = []sdk.Field{{Name: "a", Default: "'" + canary + "'", Description: canary, Meta: map[string]string{"x": canary}}}
	if err := errors.Join(s.Emit(a), s.Finish()); err != nil {
		t.Fatal(err)
	}
	if text := sent.String(); strings.Contains(text, "canary") || strings.Count(text, "[secret]") != 5 {
		t.Errorf("got %s", text)
	}
}

func TestLimitsOfASink(t *testing.T) {
	s := sdk.NewTestSink(t.Context(), nil, new(wire).send)
	defer s.Close()
	a := book(1)
	a.Description = strings.Repeat("x", 1<<20)
	for name, err := range map[string]error{"record": s.Emit(a), "checkpoint": s.Checkpoint(make([]byte, 1<<20+1))} {
		if e, ok := errors.AsType[*sdk.Error](err); !ok || !strings.Contains(e.Message, "larger than 1 MiB") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestCancelEndsEveryMethod(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := sdk.NewTestSink(ctx, nil, new(wire).send)
	defer s.Close()
	cancel()
	for name, err := range map[string]error{
		"emit": s.Emit(book(1)), "checkpoint": s.Checkpoint(nil), "scope": s.ScopeDone("s"), "progress": s.Progress(1, 1, ""), "note": s.Note(sdk.Note{}),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestABrokenPipeStaysBroken(t *testing.T) {
	broken := errors.New("broken pipe")
	s := sdk.NewTestSink(t.Context(), nil, (&wire{fail: broken}).send)
	defer s.Close()
	if err := errors.Join(s.Emit(book(1)), s.Emit(book(2))); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(s.Checkpoint(nil), broken) || !errors.Is(s.Emit(book(3)), broken) || !errors.Is(s.Finish(), broken) {
		t.Error("the break is forgotten")
	}
}

func TestSeveralGoroutinesEmit(t *testing.T) {
	var w wire
	s := sdk.NewTestSink(t.Context(), nil, w.send)
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 100 {
				if err := s.Emit(book(1000*g + i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if err := s.Finish(); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if w.done.GetAssets() != 800 || len(w.events) != 9 {
		t.Errorf("got %v, %v", w.done, w.events)
	}
}

// The ticker must not find a progress that is older than Done, however long
// Done takes to send.
func TestNothingFollowsDone(t *testing.T) {
	for name, pend := range map[string]func(sdk.TestSink) error{
		"a progress": func(s sdk.TestSink) error { return s.Progress(1, 1, "x") },
		"a record":   func(s sdk.TestSink) error { return s.Emit(book(1)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var w wire
			s := sdk.NewTestSink(t.Context(), nil, func(e *harvestv1.HarvestEvent) error {
				defer func() {
					if e.GetDone() != nil {
						time.Sleep(250 * time.Millisecond) // over two ticks
					}
				}()
				return w.send(e)
			})
			if err := errors.Join(pend(s), s.Finish()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
			s.Close()
			if sent := w.sent(); len(sent) != 2 || sent[1] != "done" {
				t.Errorf("got %v", sent)
			}
		})
	}
}

func TestAGoroutineThatOutlivesTheHarvestIsRefused(t *testing.T) {
	var finished, failed wire
	after, closed := sdk.NewTestSink(t.Context(), nil, finished.send), sdk.NewTestSink(t.Context(), nil, failed.send)
	if err := after.Finish(); err != nil {
		t.Fatal(err)
	}
	closed.Close() // as when Harvest returned an error
	for _, s := range []sdk.TestSink{after, closed} {
		for name, err := range map[string]error{
			"emit": s.Emit(book(1)), "checkpoint": s.Checkpoint(nil), "scope": s.ScopeDone("s"),
			"progress": s.Progress(1, 1, ""), "note": s.Note(sdk.Note{}), "done": s.Finish(),
		} {
			if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Code != "harvest_over" {
				t.Errorf("%s: got %v", name, err)
			}
		}
	}
	after.Close()
	if len(finished.events) != 1 || len(failed.events) != 0 {
		t.Errorf("sent: %v, %v", finished.events, failed.events)
	}
}
