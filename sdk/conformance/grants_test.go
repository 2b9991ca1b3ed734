package conformance_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/conformance"
)

// lender is a library that lends: who may read what stands in a file, a line each.
type lender struct{ library }

func (l lender) file() string { return filepath.Join(l.Folder, "rights") }

func (l lender) rights() []string {
	text, err := os.ReadFile(l.file())
	if err != nil {
		return nil
	}
	return strings.Fields(string(text))
}

func (l lender) write(rights []string) error {
	return os.WriteFile(l.file(), []byte(strings.Join(rights, "\n")), 0o600)
}

func (l lender) ListGrants(_ context.Context, _ []string, emit func(sdk.HeldGrant) error) error {
	for _, id := range l.rights() {
		if id != "other" && l.flaw == "-lends-unlisted" {
			continue
		}
		if err := emit(sdk.HeldGrant{Asset: lent.Asset, Role: lent.Role, Ours: id != "other" && l.flaw != "-lends-unnamed", GrantID: id}); err != nil {
			return err
		}
	}
	return nil
}

func (l lender) PlanGrant(_ context.Context, r sdk.GrantRequest) (sdk.GrantPlan, error) {
	rights := l.rights()
	if l.flaw == "-lends-early" {
		_ = l.write(append(rights, r.Grant.ID))
	}
	plan := sdk.GrantPlan{Precondition: "as " + strings.Join(rights, " ")}
	if slices.Contains(rights, r.Grant.ID) == r.Revoke {
		plan.Statements = []string{"lend " + r.Grant.ID}
	}
	return plan, nil
}

func (l lender) ApplyGrant(ctx context.Context, r sdk.GrantRequest, p sdk.GrantPlan) (sdk.GrantOutcome, error) {
	now, err := l.PlanGrant(ctx, r)
	rights := l.rights()
	switch {
	case err != nil:
		return "", err
	case len(now.Statements) == 0 && l.flaw != "-lends-twice":
		return sdk.GrantAlready, nil
	case now.Precondition != p.Precondition && l.flaw != "-lends-blindly" && l.flaw != "-lends-twice":
		return sdk.GrantChanged, nil
	case !r.Revoke:
		return sdk.GrantDone, l.write(append(rights, r.Grant.ID))
	case l.flaw == "-lends-forever":
		return sdk.GrantDone, nil
	case l.flaw == "-lends-alone": // takes all, whoever gave it
		return sdk.GrantDone, l.write(nil)
	}
	return sdk.GrantDone, l.write(slices.DeleteFunc(rights, func(id string) bool { return id == r.Grant.ID }))
}

func (l lender) VerifyGrant(_ context.Context, g sdk.Grant) (found sdk.Effective, err error) {
	if found.Given = slices.Contains(l.rights(), g.ID); found.Given {
		found.Readable = []string{"title"}
	}
	return found, nil
}

// lent is the grant that the suite tries.
var lent = sdk.Grant{ID: "g1", Asset: sdk.NativeID{Namespace: "library://home", Name: "1"}, Role: "ana", Fields: []string{"title"}}

// TestGrantsAreJudged by one that lends well and by those that do not.
func TestGrantsAreJudged(t *testing.T) {
	judge := func(flaw string) ([]string, string) {
		l := lender{library{libraryConfig: libraryConfig{Folder: t.TempDir()}}}
		config, err := json.Marshal(l.libraryConfig)
		if err != nil {
			t.Fatal(err)
		}
		return problems(t, flaw, "grants", conformance.Fixture{Config: config, Grants: &conformance.Grants{
			Grant:  lent,
			Change: func(context.Context) error { return l.write(append(l.rights(), "other")) },
			Undo: func(context.Context) error {
				return l.write(slices.DeleteFunc(l.rights(), func(id string) bool { return id == "other" }))
			},
		}})
	}
	for flaw, want := range map[string]string{
		"-lends-early":    "to plan has an effect",
		"-lends-blindly":  "although the source has changed",
		"-lends-twice":    `should be "already"`,
		"-lends-forever":  "not as before when the grant is over",
		"-lends-alone":    "takes what another hand has given",
		"-lends-unlisted": "is not in the list",
		"-lends-unnamed":  "does not say that it is the grant's",
	} {
		if got, skipped := judge(flaw); !strings.Contains(strings.Join(got, "\n"), want) || skipped != "" {
			t.Errorf("of %s it finds %v %s, want %q", flaw, got, skipped, want)
		}
	}
	if got, skipped := judge("-lends"); len(got) > 0 || skipped != "" {
		t.Errorf("the good lender: %v %s", got, skipped)
	}
	if _, skipped := judge(""); skipped != "it offers no grants" {
		t.Errorf("one that does not lend: %q", skipped)
	}
	if _, skipped := problems(t, "-lends", "grants", conformance.Fixture{}); !strings.Contains(skipped, "no Grants") {
		t.Errorf("without a fixture: %q", skipped)
	}
}

// TestGrantsOfAFixtureFile are read with their commands.
func TestGrantsOfAFixtureFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, conformance.FixtureFile)
	text := `{"config": {}, "grants": {"grant": {"id": "g1", "asset": {"namespace": "library://home", "name": "1"}, "role": "ana", "fields": ["title"]},
		"change": ["touch", "changed"], "undo": ["rm", "changed"]}}`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, done, err := conformance.ReadFixture(path)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	if err := f.Grants.Change(t.Context()); err != nil || f.Grants.Grant.ID != "g1" {
		t.Fatalf("%+v: %v", f.Grants, err)
	}
	if err := f.Grants.Undo(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "changed")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was changed stays: %v", err)
	}
}
