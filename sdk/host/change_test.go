package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/host"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// followed is a memory that takes what has changed.
type followed struct{ memory }

func (f *followed) ScopeKept(scope string) error {
	f.order = append(f.order, "kept "+scope)
	return nil
}

func (f *followed) Gone(scope string, id sdk.NativeID) error {
	f.order = append(f.order, "gone "+scope+" "+id.Name)
	return nil
}

// since harvests the plugin from the watermark on, or everything where it is empty.
func (b *bench) since(name, watermark string, h host.Handler) (host.Result, *host.Failure) {
	b.t.Helper()
	p, failure := b.launch(host.Self(name), host.Limits{})
	if failure != nil {
		return host.Result{}, failure
	}
	defer b.close(p)
	result, err := p.Harvest(b.t.Context(), host.Request{
		RunID: "run_1", Config: json.RawMessage(`{"count": 2}`), Secrets: map[string]string{"password": canary}, Changes: true, Watermark: []byte(watermark),
	}, h)
	if err != nil {
		return result, b.failure(err)
	}
	return result, nil
}

// TestWhatHasChanged goes on from a watermark, and from the one that comes of it.
func TestWhatHasChanged(t *testing.T) {
	b := newBench(t)
	var all, some followed
	first, failure := b.since("changer", "", &all)
	if failure != nil || string(first.Watermark) != "at 2" || len(all.records) != 2 || first.Kept != nil {
		t.Fatalf("got %+v, %v", first, failure)
	}
	second, failure := b.since("changer", string(first.Watermark), &some)
	if failure != nil || string(second.Watermark) != "at 3" || second.Gone != 1 {
		t.Fatalf("got %+v, %v", second, failure)
	}
	if diff := cmp.Diff([]string{"gone all t00000", "kept all"}, some.order); diff != "" || len(some.records) != 1 {
		t.Errorf("%s %v", diff, some.records)
	}
	if _, failure := b.since("changer", "of another", &followed{}); failure == nil || failure.Code != host.CodeExpired {
		t.Errorf("got %v", failure)
	}
}

// TestAPluginOfBefore knows of no watermark, and is harvested whole.
func TestAPluginOfBefore(t *testing.T) {
	b := newBench(t)
	var m followed
	if got, failure := b.since("good", "at 7", &m); failure != nil || got.Watermark != nil || len(got.Scopes) != 1 || got.Assets != 2 {
		t.Errorf("got %+v, %v", got, failure)
	}
	// And a host of before asks for none.
	var old memory
	if got, failure := b.harvest("changer", host.Limits{}, &old); failure != nil || got.Watermark != nil || got.Assets != 250 || len(got.Scopes) != 1 {
		t.Errorf("got %+v, %v", got, failure)
	}
}

// TestWrongChanges holds a plugin to the order and the sizes of what it tells.
func TestWrongChanges(t *testing.T) {
	b := newBench(t)
	for name, want := range map[string]string{
		"changes: two marks":     "goes on after it gave its watermark",
		"changes: goes on":       "goes on after it gave its watermark",
		"changes: big mark":      "larger than 64 KiB",
		"changes: empty mark":    "watermark is empty",
		"changes: told secret":   "value of a secret",
		"changes: no name":       "no name or no scope",
		"changes: kept and done": "called kept and done",
		"changes: done and kept": "called kept and done",
		"changes: broken":        "called kept although an error was noted",
		"changes: wrong count":   "sent 2 assets that are gone, and 1 came",
		"changes: secret name":   "value of a secret",
	} {
		result, failure := b.since(name, "at 1", &followed{})
		if failure == nil || failure.Fault != host.FaultPlugin || !strings.Contains(failure.Message, want) || result.Watermark != nil {
			t.Errorf("%s: got %+v, %v; want %q", name, result, failure, want)
		}
	}
	for name, want := range map[string]string{"changes: no name": "in a harvest of everything", "changes: expired": "was given none", "changes: secret name": "in a harvest of everything"} {
		if _, failure := b.since(name, "", &followed{}); failure == nil || failure.Code != "protocol" || !strings.Contains(failure.Message, want) {
			t.Errorf("%s, whole: got %v; want %q", name, failure, want)
		}
	}
	if _, failure := b.harvest("changes: unasked", host.Limits{}, &memory{}); failure == nil || !strings.Contains(failure.Message, "not asked for") {
		t.Errorf("unasked: got %v", failure)
	}
	if result, failure := b.since("changes: fails after it", "at 1", &followed{}); failure == nil || result.Watermark != nil {
		t.Errorf("a harvest that fails leaves %q", result.Watermark)
	}
}

type sendEvents = func(...*harvestv1.HarvestEvent) error

func says(e *harvestv1.HarvestEvent, after ...*harvestv1.HarvestEvent) func(sendEvents) error {
	return func(send sendEvents) error { return send(append([]*harvestv1.HarvestEvent{e}, after...)...) }
}

func marked(state []byte) *harvestv1.HarvestEvent {
	return &harvestv1.HarvestEvent{Event: &harvestv1.HarvestEvent_Watermark{Watermark: &harvestv1.Watermark{State: state}}}
}

func goneOne(name string) *harvestv1.HarvestEvent {
	return &harvestv1.HarvestEvent{Event: &harvestv1.HarvestEvent_Gone{Gone: &harvestv1.Gone{Scope: "all", Asset: &harvestv1.NativeID{Namespace: "test://host", Name: name}}}}
}

func keptAll() *harvestv1.HarvestEvent {
	return &harvestv1.HarvestEvent{Event: &harvestv1.HarvestEvent_ScopeKept{ScopeKept: &harvestv1.ScopeKept{Scope: "all"}}}
}

func doneAll() *harvestv1.HarvestEvent {
	return &harvestv1.HarvestEvent{Event: &harvestv1.HarvestEvent_ScopeDone{ScopeDone: &harvestv1.ScopeDone{Scope: "all"}}}
}

// wrongChanges are plugins that break the rules of what has changed.
var wrongChanges = map[string]func(sendEvents) error{
	"changes: two marks":     says(marked([]byte("a")), marked([]byte("b"))),
	"changes: goes on":       says(marked([]byte("a")), batch(1, 1)),
	"changes: big mark":      says(marked(make([]byte, harvestv1.MaxWatermarkBytes+1))),
	"changes: empty mark":    says(marked(nil)),
	"changes: told secret":   says(marked([]byte("at " + canary))),
	"changes: no name":       says(goneOne("")),
	"changes: secret name":   says(goneOne("of " + canary)),
	"changes: kept and done": says(keptAll(), doneAll()),
	"changes: done and kept": says(doneAll(), keptAll()),
	"changes: wrong count":   says(goneOne("a"), keptAll(), done(&harvestv1.Done{Gone: 2, Kept: 1})),
	"changes: unasked":       says(marked([]byte("a"))),
	"changes: broken": says(&harvestv1.HarvestEvent{Event: &harvestv1.HarvestEvent_Note{Note: &harvestv1.Note{Level: "error", Scope: "all"}}},
		keptAll()),
	"changes: fails after it": func(send sendEvents) error { return errors.Join(send(marked([]byte("a"))), errors.New("broke")) },
}

// changer tells what has changed: something is new, and something is gone.
type changer struct{ faulty }

func (c changer) Changes(ctx context.Context, req sdk.Request, since sdk.Watermark, out sdk.ChangeSink) (sdk.Watermark, error) {
	if c.name == "changes: expired" {
		return nil, sdk.Expired("it always is")
	}
	if len(since) == 0 {
		return sdk.Watermark(fmt.Sprint("at ", c.config.Count)), c.Harvest(ctx, req, out)
	}
	if string(since) != fmt.Sprint("at ", c.config.Count) {
		return nil, sdk.Expired("it is of another")
	}
	err := errors.Join(out.Emit(asset("t00002")), out.Gone("all", asset("t00000").ID), out.ScopeKept("all"))
	return sdk.Watermark(fmt.Sprint("at ", c.config.Count+1)), err
}
