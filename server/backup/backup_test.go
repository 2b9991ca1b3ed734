package backup_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/backup"
	"github.com/souk-mesh/souk/server/decisionlog"
	"github.com/souk-mesh/souk/server/driver/mongodb/mongodbtest"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/mongo"
	"github.com/souk-mesh/souk/server/store/sqlite"
)

// place is a store with its log that lives on while it is copied.
type place struct {
	t   *testing.T
	uri string
	s   store.Store
	log *decisionlog.Log
}

func onEach(t *testing.T, test func(t *testing.T, fresh func() string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		test(t, func() string { return "sqlite:" + filepath.Join(t.TempDir(), "souk.db") })
	})
	t.Run("mongodb", func(t *testing.T) {
		test(t, func() string { uri, _ := mongodbtest.Database(t); return uri })
	})
}

// engines opens stores of both.
func engines(ctx context.Context, uri string, mode store.Mode) (store.Store, error) {
	if path, ok := strings.CutPrefix(uri, "sqlite:"); ok {
		return sqlite.OpenAs(ctx, path, mode)
	}
	return mongo.OpenAs(ctx, uri, mode)
}

func open(t *testing.T, uri string) *place {
	t.Helper()
	s, err := engines(t.Context(), uri, store.Make)
	must(t, err)
	l, err := decisionlog.Open(t.Context(), decisionlog.Config{URI: uri, Store: s, Owns: true})
	must(t, err)
	return &place{t, uri, s, l}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// live writes a team and its decision, and asks for one that no change carries.
func (p *place) live(n int) {
	for _, d := range []model.DecisionRecord{p.decision(), p.decision()} {
		team := model.Team{Meta: model.Meta{ID: model.NewID(model.PrefixTeam)}, DomainID: model.NewID(model.PrefixDomain), Name: model.Slug(fmt.Sprintf("team_%d", n))}
		_, err := p.s.Apply(p.t.Context(), store.Change{Action: "test.live", Subject: team.ID, Decision: d.ID, Writes: []store.Write{store.Teams.Put(team), store.Decisions.Put(d)}})
		if err != nil {
			p.t.Error(err)
		}
		if err := p.log.Append(p.t.Context(), p.decision()); err != nil {
			p.t.Error(err)
		}
	}
	if err := p.log.CatchUp(p.t.Context()); err != nil {
		p.t.Error(err)
	}
}

func (p *place) decision() model.DecisionRecord {
	return model.DecisionRecord{Meta: model.Meta{ID: model.NewID(model.PrefixDecision)}, At: model.Now(), Action: model.ActDataRead, Outcome: model.Allow, Input: []byte(`{"v":1}`)}
}

func (p *place) change() int64 {
	p.t.Helper()
	e, err := store.Events.First(p.t.Context(), p.s, store.Query{Index: "by_seq", Desc: true})
	must(p.t, err)
	return e.Seq
}

func (p *place) close() { p.t.Helper(); must(p.t, p.log.Close()) }

func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("there is no error")
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error %q does not name %q", err, w)
		}
	}
}

// TestBackupWhileItLives copies a store that is being written, and brings it
// back elsewhere: store and log belong together and are whole.
func TestBackupWhileItLives(t *testing.T) {
	onEach(t, func(t *testing.T, fresh func() string) {
		t.Helper()
		p := open(t, fresh())
		p.live(0)
		stop := make(chan struct{})
		var work sync.WaitGroup
		running, end := context.WithCancel(t.Context())
		work.Go(func() { p.log.Run(running) }) // and has the store remember the head
		work.Go(func() {
			for n := 1; ; n++ {
				select {
				case <-stop:
					return
				default:
					p.live(n)
				}
			}
		})
		to := filepath.Join(t.TempDir(), "souk.backup")
		before := p.change()
		m, err := backup.Opener(engines).Make(t.Context(), p.uri, to)
		close(stop)
		end()
		work.Wait()
		must(t, err)
		after := p.change()
		if m.Change < before || m.Change > after || m.Rows < 4 || m.PublicKey != p.log.PublicKey() {
			t.Errorf("got %+v between the changes %d and %d", m, before, after)
		}
		if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("got %v, %v, want the mode 600", info, err)
		}
		_, err = backup.Opener(engines).Make(t.Context(), p.uri, to)
		wantError(t, err, "is there already")
		left, err := os.ReadDir(filepath.Dir(to))
		if err != nil || len(left) != 1 {
			t.Errorf("left behind: %v, %v", left, err)
		}
		_, err = backup.Opener(engines).Restore(t.Context(), to, p.uri)
		wantError(t, err) // it is in use
		p.close()
		elsewhere := fresh()
		r, err := backup.Opener(engines).Restore(t.Context(), to, elsewhere)
		must(t, err)
		if r.Change != m.Change || r.Aside != "" {
			t.Errorf("restored %+v", r)
		}
		q := open(t, elsewhere)
		defer q.close()
		must(t, q.log.CatchUp(t.Context()))
		report, err := q.log.Verify(t.Context(), nil)
		if err != nil || !report.OK() || report.PublicKey != m.PublicKey || q.change() < m.Change {
			t.Errorf("restored: %+v, %v", report, err)
		}
		page, err := store.Teams.Find(t.Context(), q.s, store.Query{Index: "by_name", Limit: 5})
		if err != nil || len(page.Nodes) == 0 {
			t.Errorf("restored teams: %v, %v", page.Nodes, err)
		}
	})
}

// TestRestoreInPlace goes back to an archive, unless the store has come further.
func TestRestoreInPlace(t *testing.T) {
	uri := "sqlite:" + filepath.Join(t.TempDir(), "souk.db")
	path := strings.TrimPrefix(uri, "sqlite:")
	p := open(t, uri)
	p.live(1)
	to := filepath.Join(t.TempDir(), "souk.backup")
	_, err := backup.Opener(engines).Make(t.Context(), uri, to)
	must(t, err)
	_, err = backup.Opener(engines).Restore(t.Context(), to, uri)
	wantError(t, err, "in use by another souk")
	p.live(2)
	p.close()
	_, err = backup.Opener(engines).Restore(t.Context(), to, uri)
	wantError(t, err, "and the archive ends with change", "move the store")
	must(t, os.WriteFile(path, bytes.Repeat([]byte("nonsense"), 4096), 0o600)) // what restoring is for
	r, err := backup.Opener(engines).Restore(t.Context(), to, uri)
	must(t, err)
	for _, old := range []string{"souk.db", "souk-decisions", "souk-decisions.key"} {
		if _, err := os.Stat(filepath.Join(r.Aside, old)); err != nil {
			t.Errorf("it is not kept: %v", err)
		}
	}
	q := open(t, uri)
	q.live(3)
	q.close()
}

// TestArchivesThatAreNotWhole touch nothing.
func TestArchivesThatAreNotWhole(t *testing.T) {
	onEach(t, func(t *testing.T, fresh func() string) {
		t.Helper()
		p := open(t, fresh())
		p.live(1)
		to := filepath.Join(t.TempDir(), "souk.backup")
		_, err := backup.Opener(engines).Make(t.Context(), p.uri, to)
		must(t, err)
		p.close()
		whole, err := os.ReadFile(to)
		must(t, err)
		for name, text := range map[string][]byte{
			"empty": nil, "cut off": whole[:len(whole)/2], "without its end": whole[:len(whole)-9], "text": []byte("no archive"),
			"a byte changed": append(append(bytes.Clone(whole[:len(whole)/2]), whole[len(whole)/2]^1), whole[len(whole)/2+1:]...),
			"longer":         append(bytes.Clone(whole), whole...),
		} {
			broken := filepath.Join(t.TempDir(), "broken.backup")
			must(t, os.WriteFile(broken, text, 0o600))
			into := fresh()
			_, err := backup.Opener(engines).Restore(t.Context(), broken, into)
			if err == nil {
				t.Errorf("%s: it was restored", name)
				continue
			}
			wantError(t, err, "is not whole", "nothing was touched")
			if path, ok := strings.CutPrefix(into, "sqlite:"); ok {
				if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) > 0 {
					t.Errorf("%s: left behind: %v, %v", name, left, err)
				}
			} else if names, err := mongodbtest.Of(t, into).ListCollectionNames(t.Context(), bson.D{}); err != nil || len(names) > 0 {
				t.Errorf("%s: left behind: %v, %v", name, names, err)
			}
		}
		_, err = backup.Opener(engines).Restore(t.Context(), to+".none", fresh())
		wantError(t, err, "FILE", "cannot be read")
	})
}

// TestWhatIsNotSoundIsNotCopied says what is wrong instead.
func TestWhatIsNotSoundIsNotCopied(t *testing.T) {
	uri := "sqlite:" + filepath.Join(t.TempDir(), "souk.db")
	to := filepath.Join(t.TempDir(), "souk.backup")
	_, err := backup.Opener(engines).Make(t.Context(), uri, to)
	if !model.Is(err, model.KindUnavailable) && !model.Is(err, model.KindNotFound) {
		t.Errorf("got %v, want that there is no store", err)
	}
	p := open(t, uri)
	p.live(1)
	p.close()
	must(t, os.RemoveAll(strings.TrimSuffix(strings.TrimPrefix(uri, "sqlite:"), ".db")+"-decisions"))
	_, err = backup.Opener(engines).Make(t.Context(), uri, to)
	wantError(t, err, "the rows between are gone", "souk decisions accept")
	if _, err := os.Stat(to); err == nil {
		t.Error("there is an archive")
	}
}
