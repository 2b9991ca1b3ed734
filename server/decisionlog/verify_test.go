package decisionlog_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog"
)

// written makes a log of three days in two months: rows 1 to 8, 9 to 16 and 17
// to 24, the last of them in a segment of their own.
func written(t *testing.T) (decisionlog.Config, string) {
	t.Helper()
	c := newClock()
	c.at = time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	uri := sqliteURI(t)
	config := decisionlog.Config{URI: uri, Now: c.now, Retention: 365 * 24 * time.Hour}
	l, err := decisionlog.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		fill(t, l, 7, c.now())
		c.sleep(24 * time.Hour)
	}
	mustVerify(t, l, 24)
	closing(t, l)
	return config, strings.TrimSuffix(strings.TrimPrefix(uri, "sqlite:"), ".db") + "-decisions"
}

// forge runs SQL on a segment's file, with the functions that a forger needs.
func forge(t *testing.T, path, script string) {
	t.Helper()
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	sum := &sqlite.FunctionImpl{NArgs: 2, Deterministic: true, Scalar: func(_ sqlite.Context, args []sqlite.Value) (sqlite.Value, error) {
		h := sha256.Sum256(append(args[0].Blob(), args[1].Blob()...))
		return sqlite.BlobValue(h[:]), nil
	}}
	if err := conn.CreateFunction("sum", sum); err != nil {
		t.Fatal(err)
	}
	if err := sqlitex.ExecuteScript(conn, script, nil); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
}

// rewrite makes the chain of a file whole again from a row on, as somebody
// would who knows how it is made but does not have the key.
func rewrite(from, to int) string {
	var sql strings.Builder
	for seq := from; seq <= to; seq++ {
		fmt.Fprintf(&sql, "UPDATE row SET prev = (SELECT hash FROM row WHERE seq = %d) WHERE seq = %d AND seq > %d;", seq-1, seq, from)
		fmt.Fprintf(&sql, "UPDATE row SET hash = sum(prev, body) WHERE seq = %d;", seq)
	}
	return sql.String()
}

const lie = "UPDATE row SET body = CAST(replace(CAST(body AS TEXT), '\"outcome\":\"ALLOW\"', '\"outcome\":\"DENY\"') AS BLOB), outcome = 'DENY' WHERE seq = %d;"

func TestForgeriesAreNamed(t *testing.T) {
	for name, c := range map[string]struct {
		file string // 2026-11 when empty
		sql  string
		seq  int64
		says string
	}{
		"a changed row":                       {"", fmt.Sprintf(lie, 6), 6, "it was changed"},
		"a changed row with its hash":         {"", fmt.Sprintf(lie, 6) + rewrite(6, 6), 6, "it was replaced"},
		"the last of a day, with its hash":    {"", fmt.Sprintf(lie, 8) + rewrite(8, 8), 8, "do not end in what was signed for 2026-11-29"},
		"a chain rewritten within a day":      {"", fmt.Sprintf(lie, 11) + rewrite(11, 16), 16, "the rows 9 to 16 were rewritten"},
		"a chain rewritten over a day":        {"", fmt.Sprintf(lie, 3) + rewrite(3, 16), 8, "the rows 1 to 8 were rewritten"},
		"a changed hash":                      {"", "UPDATE row SET hash = zeroblob(32) WHERE seq = 6", 6, "it was changed"},
		"a changed link":                      {"", "UPDATE row SET prev = zeroblob(32) WHERE seq = 6", 6, "it was changed"},
		"no JSON any more":                    {"", "UPDATE row SET body = x'00' WHERE seq = 6", 6, "it was changed"},
		"a principal that hides it":           {"", "UPDATE row SET principal = 'prn_9' WHERE seq = 6", 6, "what it is found by was changed"},
		"a time that hides it":                {"", "UPDATE row SET at = 7 WHERE seq = 6", 6, "what it is found by was changed"},
		"a removed row":                       {"", "DELETE FROM row WHERE seq = 6", 6, "the rows 6 to 6 are missing"},
		"the first row removed":               {"", "DELETE FROM row WHERE seq = 1", 1, "the rows 1 to 1 are missing"},
		"the last rows removed":               {"2026-12", "DELETE FROM row WHERE seq > 21", 22, "the rows 22 to 24 at the end are missing"},
		"all rows removed":                    {"2026-12", "DELETE FROM row", 17, "the rows 17 to 24 at the end are missing"},
		"removed and closed up":               {"", "DELETE FROM row WHERE seq = 6; UPDATE row SET seq = seq - 1 WHERE seq > 6", 6, "it was moved: it was written as row 7"},
		"inserted in the middle":              {"", shift("row") + shift("input") + copyOf(5, 6), 6, "it was inserted"},
		"inserted at the end":                 {"2026-12", copyOf(24, 25), 25, "it was inserted after the signed end"},
		"inserted before the first":           {"", "INSERT INTO row SELECT -3, 'dec_x', at, principal, resource, domain, action, outcome, prev, hash, body FROM row WHERE seq = 1", -3, "it was inserted before the first"},
		"two rows swapped":                    {"", "UPDATE row SET seq = -5 WHERE seq = 5; UPDATE row SET seq = 5 WHERE seq = 7; UPDATE row SET seq = 7 WHERE seq = -5", 5, "it was moved: it was written as row 7"},
		"a changed input":                     {"", "UPDATE input SET input = CAST('{}' AS BLOB) WHERE seq = 6", 6, "its input was changed"},
		"a changed salt":                      {"", "UPDATE input SET salt = x'00' WHERE seq = 6", 6, "its input was changed"},
		"a removed input":                     {"", "DELETE FROM input WHERE seq = 6", 6, "its input was removed before its time"},
		"an input said to be erased":          {"", "DELETE FROM input; UPDATE segment SET doc = CAST(json_set(CAST(doc AS TEXT), '$.erased', 16) AS BLOB)", 0, "its head was changed"},
		"a head set back over removed rows":   {"2026-12", "DELETE FROM row WHERE seq > 21; UPDATE segment SET doc = CAST(json_set(CAST(doc AS TEXT), '$.seq', 21) AS BLOB)", 0, "its head was changed"},
		"a changed day":                       {"", "UPDATE mark SET doc = CAST(json_set(CAST(doc AS TEXT), '$.seq', 7) AS BLOB)", 0, "the head of the day 2026-11-29 was changed"},
		"a segment that says it is not ended": {"", "UPDATE segment SET doc = CAST(json_set(CAST(doc AS TEXT), '$.closed', json('false')) AS BLOB)", 0, "its head was changed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config, folder := written(t)
			if c.file == "" {
				c.file = "2026-11"
			}
			forge(t, filepath.Join(folder, c.file+".db"), c.sql)
			mustName(t, config, c.seq, c.says)
		})
	}
}

// shift makes room for a row 6.
func shift(table string) string {
	return fmt.Sprintf("UPDATE %s SET seq = -seq WHERE seq > 5; UPDATE %s SET seq = 1 - seq WHERE seq < 0;", table, table)
}

// copyOf inserts a row that follows another one as well as anybody can make it.
func copyOf(of, at int) string {
	return fmt.Sprintf("INSERT INTO row SELECT %d, 'dec_x', at, principal, resource, domain, action, outcome, hash, sum(hash, b), b FROM (SELECT *, "+
		"CAST(replace(replace(CAST(body AS TEXT), '\"seq\":%d,', '\"seq\":%d,'), id, 'dec_x') AS BLOB) AS b FROM row WHERE seq = %d);"+
		"INSERT INTO input SELECT %d, salt, input FROM input WHERE seq = %d;", at, of, at, of, at, of)
}

func mustName(t *testing.T, config decisionlog.Config, seq int64, says string) {
	t.Helper()
	config.ReadOnly = true
	report := verified(t, open(t, config))
	if report.OK() || len(report.Problems) == 0 {
		t.Fatal("the log is said to be whole")
	}
	if first := report.Problems[0]; first.Seq != seq || !strings.Contains(first.Message, says) {
		t.Errorf("got %v, want row %d named first, and %q said of it", report.Problems, seq, says)
	}
}

func TestForgedFilesAreNamed(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(folder string) error
		says string
	}{
		"the first segment is gone": {func(f string) error { return os.Remove(filepath.Join(f, "2026-11.db")) }, "the rows 1 to 16 before it are missing"},
		"the last segment is gone":  {func(f string) error { return os.Remove(filepath.Join(f, "2026-12.db")) }, "the segment after it is missing"},
		"another key": {func(f string) error {
			return os.WriteFile(f+".key", []byte(hex.EncodeToString(make([]byte, 64))), 0o600)
		}, "its head was changed: the signature does not fit"},
	} {
		t.Run(name, func(t *testing.T) {
			config, folder := written(t)
			if err := c.do(folder); err != nil {
				t.Fatal(err)
			}
			mustName(t, config, 0, c.says)
		})
	}
}

// A log may grow and be read while it is verified.
func TestVerifiesWhileItGrows(t *testing.T) {
	onEach(t, func(t *testing.T, uri string) {
		t.Helper()
		l := open(t, decisionlog.Config{URI: uri})
		fill(t, l, 1500, model.Now())
		done := make(chan struct{})
		var work sync.WaitGroup
		defer work.Wait()
		work.Go(func() {
			defer close(done)
			for i := range 100 {
				if err := l.Append(t.Context(), asked(i, model.Now())); err != nil {
					t.Error(err)
				}
			}
		})
		for growing := true; growing; {
			select {
			case <-done:
				growing = false
			default:
			}
			told := int64(0)
			report, err := l.Verify(t.Context(), func(n, _ int64) { told = n })
			if err != nil || !report.OK() || told < 1501 {
				t.Fatalf("got %v, %v after %d rows, want no problem", report.Problems, err, told)
			}
		}
		mustVerify(t, l, 1601)
	})
}

func TestForgeriesInMongoDBAreNamed(t *testing.T) {
	for name, c := range map[string]struct {
		forge func(context.Context, *mongo.Database) error
		seq   int64
		says  string
	}{
		"a changed row": {func(ctx context.Context, d *mongo.Database) error {
			_, err := d.Collection("decision_log").UpdateByID(ctx, 6, bson.M{"$set": bson.M{"body": []byte("{}")}})
			return err
		}, 6, "it was changed"},
		"a removed row": {func(ctx context.Context, d *mongo.Database) error {
			_, err := d.Collection("decision_log").DeleteOne(ctx, bson.M{"_id": 6})
			return err
		}, 6, "the rows 6 to 6 are missing"},
		"a row in another segment": {func(ctx context.Context, d *mongo.Database) error {
			_, err := d.Collection("decision_log").UpdateByID(ctx, 6, bson.M{"$set": bson.M{"segment": "1999-01"}})
			return err
		}, 6, "the rows 6 to 6 are missing"},
		"a changed input": {func(ctx context.Context, d *mongo.Database) error {
			_, err := d.Collection("decision_log_input").UpdateByID(ctx, 6, bson.M{"$set": bson.M{"input": []byte("{}")}})
			return err
		}, 6, "its input was changed"},
		"a head set back": {func(ctx context.Context, d *mongo.Database) error {
			_, err := d.Collection("decision_log_segment").UpdateMany(ctx, bson.M{}, bson.M{"$set": bson.M{"seq": int64(4)}})
			return err
		}, 0, "its head was changed"},
	} {
		t.Run(name, func(t *testing.T) {
			uri := mongoURI(t)
			config := decisionlog.Config{URI: uri}
			fill(t, open(t, config), 9, model.Now())
			client, err := mongo.Connect(options.Client().ApplyURI(uri))
			if err != nil {
				t.Fatal(err)
			}
			_, path, _ := strings.Cut(strings.TrimPrefix(uri, "mongodb://"), "/")
			database, _, _ := strings.Cut(path, "?")
			if err := c.forge(t.Context(), client.Database(database)); err != nil {
				t.Fatal(err)
			}
			if err := client.Disconnect(t.Context()); err != nil {
				t.Fatal(err)
			}
			mustName(t, config, c.seq, c.says)
		})
	}
}
