package s3_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/plugins/internal/aws"
	"github.com/souk-mesh/souk/plugins/internal/lake"
	"github.com/souk-mesh/souk/plugins/s3"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// memory is a sink that keeps everything.
type memory struct {
	mu    sync.Mutex
	names []string
	done  []string
	notes []sdk.Note
	told  int64 // the objects of the latest progress
}

func (m *memory) Emit(r sdk.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a := r.(*sdk.Asset); a.Kind != "BUCKET" {
		m.names = append(m.names, a.ID.Name)
	}
	return sdk.Validate(r)
}
func (m *memory) Checkpoint([]byte) error { return nil }
func (m *memory) ScopeDone(s string) error {
	m.done = append(m.done, s)
	return nil
}
func (m *memory) Progress(n, _ int64, _ string) error { m.told = n; return nil }
func (m *memory) Note(n sdk.Note) error               { m.notes = append(m.notes, n); return nil }

func configOf(url string, buckets ...string) s3.Config {
	return s3.Config{
		Access: aws.Access{
			Endpoint: url, AccessKeyID: "AKIASOUK", SecretKey: "canary-of-the-secret-key", SessionToken: "canary-of-the-session-token",
			HTTP: web.Config{Transport: "clear"},
		},
		Buckets: buckets, PathStyle: true, Choice: lake.Choice{Grouping: "auto", Heads: "read", Header: "sniff"},
	}
}

func harvest(t *testing.T, c s3.Config) (*memory, error) {
	t.Helper()
	s, err := s3.Plugin().Open(t.Context(), c, sdk.Env{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	m := &memory{}
	err = s.Harvest(t.Context(), sdk.Request{}, m)
	slices.Sort(m.names)
	return m, err
}

// Whatever is not a whole listing of the bucket is an error, and never an
// empty bucket.
func TestAnswersThatAreNoListing(t *testing.T) {
	fake := newFake(t)
	for bucket, class := range map[string]sdk.Class{
		"cut-token": sdk.ClassUnavailable, "cut-count": sdk.ClassUnavailable, "html": sdk.ClassUnavailable, "half": sdk.ClassUnavailable,
		"elsewhere": sdk.ClassConfig, "late-expired": sdk.ClassAuth, "late-denied": sdk.ClassDenied, "wrong": sdk.ClassAuth,
	} {
		m, err := harvest(t, configOf(fake.URL, bucket))
		e, ok := errors.AsType[*sdk.Error](err)
		if !ok || e.Class != class || len(m.done) > 0 || e.Fix == "" {
			t.Errorf("%s: %v, done %q", bucket, err, m.done)
		}
		if ok && strings.Contains(e.Message+e.Fix, "canary") {
			t.Errorf("%s: a secret or the server's own words stand in %q %q", bucket, e.Message, e.Fix)
		}
	}
}

// A bucket that is refused is a note with the statement that allows it, and
// the others are harvested.
func TestDeniedBucketIsANote(t *testing.T) {
	m, err := harvest(t, configOf(newFake(t).URL, "denied", "good"))
	if err != nil || !slices.Equal(m.done, []string{"bucket:good"}) || !slices.Equal(m.names, []string{"a/x.csv"}) {
		t.Fatalf("err %v, done %q, %q", err, m.done, m.names)
	}
	want := `{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::denied"}`
	if len(m.notes) != 1 || m.notes[0].Scope != "bucket:denied" || !strings.Contains(m.notes[0].Sample, want) {
		t.Errorf("notes: %+v", m.notes)
	}
}

func TestSlowDown(t *testing.T) {
	for _, bucket := range []string{"slow", "slow-said"} {
		m, err := harvest(t, configOf(newFake(t).URL, bucket))
		if err != nil || len(m.done) != 1 || !slices.Equal(m.names, []string{"a/x.csv", "b/x.csv"}) {
			t.Errorf("%s: err %v, done %q, %q", bucket, err, m.done, m.names)
		}
	}
}

func TestKeysOfAnyKind(t *testing.T) {
	m, err := harvest(t, configOf(newFake(t).URL, "odd"))
	want := []string{"/slash/x.csv", "double//x.csv", "odd/%FE.csv", "odd/%FF.csv", "odd/\x01.csv", "odd/line\nbreak.csv", "odd/plus+ space.csv"}
	slices.Sort(want)
	if diff := cmp.Diff(want, m.names); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestKeyOfTheBucketIsNotGiven(t *testing.T) {
	m, err := harvest(t, configOf(newFake(t).URL, "kms"))
	if err != nil || len(m.done) != 1 || len(m.notes) != 1 || !strings.Contains(m.notes[0].Sample, "kms:Decrypt") {
		t.Errorf("err %v, done %q, notes %+v", err, m.done, m.notes)
	}
}

// Credentials of the machine are never used.
func TestNoCredentialsOfTheMachine(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAMACHINE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "of-the-machine")
	c := configOf(newFake(t).URL, "good")
	c.AccessKeyID = ""
	if _, err := s3.Plugin().Open(t.Context(), c, sdk.Env{}); err == nil {
		t.Error("a source without a key is opened")
	}
	if m, err := harvest(t, configOf(newFake(t).URL, "good")); err != nil || len(m.done) != 1 {
		t.Errorf("the given key is not the one that is used: %v", err)
	}
	c = configOf(newFake(t).URL, "good")
	c.AccessKeyID, c.SecretKey, c.SessionToken, c.Identity = "", "", "", "anonymous"
	if _, err := harvest(t, c); err == nil {
		t.Error("the anonymous request is signed by someone")
	}
}

func TestPagesAndRoles(t *testing.T) {
	e := newEmulator(t)
	e.bucket("souk-pages", nil)
	var writing sync.WaitGroup
	for writer := range 8 {
		writing.Go(func() {
			for i := writer; i < 1010; i += 8 {
				e.put("souk-pages", fmt.Sprintf("in/%c%c%c/x.csv", 'a'+i/100, 'a'+i/10%10, 'a'+i%10), "a,b\n1,2\n")
			}
		})
	}
	writing.Wait()
	c := configOf(e.url, "souk-pages")
	c.RoleARN, c.STSEndpoint, c.ExternalID = "arn:aws:iam::123456789012:role/souk", e.url, "of-souk"
	m, err := harvest(t, c)
	if err != nil || len(m.names) != 1010 || len(m.done) != 1 {
		t.Errorf("err %v, %d assets, done %q", err, len(m.names), m.done)
	}
	c.RoleARN, c.ExternalID, c.Prefixes, c.Buckets = "", "", []string{"souk-pages/in/aaa", "souk-pages/in/aab"}, nil
	m, err = harvest(t, c)
	if diff := cmp.Diff([]string{"bucket:souk-pages/in/aaa", "bucket:souk-pages/in/aab"}, m.done); err != nil || diff != "" || len(m.names) != 2 {
		t.Errorf("err %v, %q\n%s", err, m.names, diff)
	}
}

// newListing answers with n keys, 1,000 a page, and with what is in each.
func newListing(tb testing.TB, n int, key func(i int) string) *httptest.Server {
	tb.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); path != "" {
			object(w, r, "big")
			return
		}
		from, _ := strconv.Atoi(r.URL.Query().Get("continuation-token"))
		to := min(n, from+1000)
		var b strings.Builder
		fmt.Fprintf(&b, `<?xml version="1.0"?><ListBucketResult><Name>big</Name><EncodingType>url</EncodingType><KeyCount>%d</KeyCount><IsTruncated>%v</IsTruncated>`, to-from, to < n)
		fmt.Fprintf(&b, `<NextContinuationToken>%d</NextContinuationToken>`, to)
		for i := from; i < to; i++ {
			fmt.Fprintf(&b, `<Contents><Key>%s</Key><LastModified>2026-11-01T00:00:00.000Z</LastModified><ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>17</Size><StorageClass>STANDARD</StorageClass></Contents>`, key(i))
		}
		b.WriteString(`</ListBucketResult>`)
		_, _ = w.Write([]byte(b.String()))
	}))
	tb.Cleanup(server.Close)
	return server
}

// partitioned names the files of tables that are cut by the day.
func partitioned(i int) string {
	return fmt.Sprintf("w/t%03d/day%%3D%04d/part-%05d.parquet", i/10_000, i%10_000/10, i%10)
}

func TestTwentyThousandObjects(t *testing.T) {
	c := configOf(newListing(t, 20_000, partitioned).URL, "big")
	c.Heads = "skip"
	m, err := harvest(t, c)
	if diff := cmp.Diff([]string{"w/t000", "w/t001"}, m.names); err != nil || diff != "" || m.told != 20_000 {
		t.Error(err, diff, m.told)
	}
}

// The processor time is of both sides: what answers is in this process, too.
func BenchmarkMillionKeys(b *testing.B) {
	c := configOf(newListing(b, 1_000_000, partitioned).URL, "big")
	c.Heads = "skip"
	for b.Loop() {
		s, err := s3.Plugin().Open(b.Context(), c, sdk.Env{})
		if err != nil {
			b.Fatal(err)
		}
		m := &memory{}
		if err := s.Harvest(b.Context(), sdk.Request{}, m); err != nil || len(m.names) != 100 {
			b.Fatal(err, len(m.names))
		}
	}
}
