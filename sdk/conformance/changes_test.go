package conformance_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/conformance"
)

// follower is a library that tells which books have come and gone since: its
// watermark is the list of them.
type follower struct{ library }

func (f follower) Changes(ctx context.Context, req sdk.Request, since sdk.Watermark, out sdk.ChangeSink) (sdk.Watermark, error) {
	names, err := f.books(ctx)
	if err != nil {
		return nil, err
	}
	now := sdk.Watermark("books " + strings.Join(names, "/"))
	before, ours := strings.CutPrefix(string(since), "books ")
	switch {
	case len(since) == 0:
		return now, f.Harvest(ctx, req, out)
	case f.flaw == "-follows-anything" && !ours:
		return now, out.ScopeKept("books")
	case !ours:
		return nil, sdk.Expired("it is no list of books")
	}
	err = f.tell(names, strings.Split(before, "/"), out)
	return now, errors.Join(err, out.ScopeKept("books"))
}

func (f follower) tell(names, before []string, out sdk.ChangeSink) error {
	for _, name := range names {
		if !slices.Contains(before, name) || f.flaw == "-follows-loudly" {
			if err := out.Emit(f.book(name, out)); err != nil {
				return err
			}
		}
	}
	for _, name := range before {
		if !slices.Contains(names, name) && f.flaw != "-follows-forgetfully" {
			if err := out.Gone("books", f.book(name, out).ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// TestWhatHasChangedIsJudged finds a plugin that tells too much, too little, or
// takes any watermark for its own.
func TestWhatHasChangedIsJudged(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	move := func(from, to string) func(context.Context) error {
		return func(context.Context) error { return os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)) }
	}
	f := conformance.Fixture{
		Config:    json.RawMessage(fmt.Sprintf(`{"folder": %q}`, dir)),
		Mutations: []conformance.Mutation{{Name: "rename", Do: move("b", "c"), Undo: move("c", "b")}},
	}
	if got, skipped := problems(t, "-follows", "changes", f); len(got) > 0 || skipped != "" {
		t.Errorf("the good plugin: %v %s", got, skipped)
	}
	for flaw, want := range map[string]string{
		"-follows-loudly":      "sends 2 records and names 0 assets as gone since a watermark, of a source that is as it was",
		"-follows-forgetfully": "does not lead to what a harvest of everything finds",
		"-follows-anything":    "not refused by sdk.Expired",
	} {
		got, _ := problems(t, flaw, "changes", f)
		if !slices.ContainsFunc(got, func(p string) bool { return strings.Contains(p, want) }) {
			t.Errorf("of %s it finds %v, want %q", flaw, got, want)
		}
	}
	if _, skipped := problems(t, "", "changes", f); skipped != "it offers no changes" {
		t.Errorf("a plugin of before: %q", skipped)
	}
}
