package decisionlog_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog"
)

func TestRetentionKeepsTheProof(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) {
		t.Helper()
		c := newClock()
		l := open(t, decisionlog.Config{URI: uri, Now: c.now, Retention: 48 * time.Hour})
		old := fill(t, l, 9, c.now())
		c.sleep(8 * 24 * time.Hour) // the next month
		middle := fill(t, l, 9, c.now())
		c.sleep(24 * time.Hour)
		young := fill(t, l, 9, c.now())
		if n, err := l.Erase(t.Context()); err != nil || n != 10 {
			t.Fatalf("got %d, %v, want ten erased", n, err)
		}
		c.sleep(25 * time.Hour)
		if n, err := l.Erase(t.Context()); err != nil || n != 10 {
			t.Fatalf("got %d, %v, want ten more erased", n, err)
		}
		for _, d := range append(append(old, middle...), young...) {
			got, err := l.Get(t.Context(), d.ID)
			if err != nil || got.Outcome != d.Outcome || len(got.Decision.Reasons) != 1 {
				t.Fatalf("got %v, %v, want the outcome for good", got, err)
			}
			if kept := got.Input != nil; kept != d.At.Equal(young[0].At) {
				t.Errorf("row %d: its input is there: %v", got.Seq, kept)
			}
		}
		report := verified(t, l)
		if !report.OK() || report.Erased != 20 {
			t.Errorf("got %v and %d erased, want 20", report.Problems, report.Erased)
		}
		fill(t, l, 1, c.now())
		mustVerify(t, l, 32)
	})
}

// Nothing of an erased input stays in the file.
func TestErasedIsErased(t *testing.T) {
	uri := sqliteURI(t)
	c := newClock()
	l := open(t, decisionlog.Config{URI: uri, Now: c.now})
	d := asked(1, c.now())
	d.Input = []byte(`{"subject":{"name":"zenobia of palmyra"}}`)
	if err := l.Append(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	c.sleep(decisionlog.DefaultRetention + time.Hour)
	for want := range 2 {
		files, _ := filepath.Glob(strings.TrimSuffix(uri[len("sqlite:"):], ".db") + "-decisions/*")
		found := 0
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			found += bytes.Count(text, []byte("zenobia"))
		}
		if (found == 0) != (want == 1) {
			t.Errorf("the name stands in the files %d times, erased: %v", found, want == 1)
		}
		if _, err := l.Erase(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	mustVerify(t, l, 1)
}

func TestMasking(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) {
		t.Helper()
		c := newClock()
		l := open(t, decisionlog.Config{URI: uri, Now: c.now, Reads: func(d model.DecisionRecord) ([]string, bool) {
			return map[model.Slug][]string{"sales": {"input.subject.name", "resource.domain"}, "legal": {"subject.teams[_]", "context"}}[d.Domain], d.Domain != "hr"
		}})
		for domain, want := range map[model.Slug][]string{"sales": {"context.purpose", "subject.teams"}, "legal": {"subject.name"}, "hr": nil} {
			d := asked(1, c.now())
			d.Domain = domain
			if err := l.Append(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			got, err := l.Get(t.Context(), d.ID)
			if err != nil || strings.Join(got.Masked, " ") != strings.Join(want, " ") {
				t.Errorf("%s: masked %v, %v, want %v", domain, got.Masked, err, want)
			}
			for path, clear := range map[string]string{"context.purpose": "attribution", "subject.teams": "sales/growth", "subject.name": `"ana"`} {
				masked := strings.Contains(strings.Join(want, " "), path)
				if bytes.Contains(got.Input, []byte(clear)) == masked {
					t.Errorf("%s: %s is masked: %v: %s", domain, path, masked, got.Input)
				}
			}
			if !bytes.Contains(got.Input, []byte(`"prn_1"`)) || !bytes.Contains(got.Input, []byte(`"v":1`)) {
				t.Errorf("%s: what policies read is gone: %s", domain, got.Input)
			}
		}
		mustVerify(t, l, 3)
	})
}

func TestMaskIsKeyed(t *testing.T) {
	in := []byte(`{"a":{"b":"x","c":["x","y",7,""]},"d":1}`)
	one, found := decisionlog.Mask([]byte("key"), in, []string{"a.b", "a.c", "a.none", "d", "d.e"})
	if strings.Join(found, " ") != "a.b a.c" {
		t.Errorf("found %v", found)
	}
	two, _ := decisionlog.Mask([]byte("key"), in, []string{"a"})
	other, _ := decisionlog.Mask([]byte("other"), in, []string{"a"})
	if !bytes.Equal(one, two) || bytes.Equal(one, other) {
		t.Errorf("got %s, %s and with another key %s", one, two, other)
	}
	if again, found := decisionlog.Mask([]byte("key"), one, []string{"a"}); found != nil || !bytes.Equal(again, one) {
		t.Errorf("masked twice: %s", again)
	}
	if same, found := decisionlog.Mask(nil, []byte("no JSON"), []string{"a"}); found != nil || string(same) != "no JSON" {
		t.Errorf("got %s, %v", same, found)
	}
}
