package files_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/xuri/excelize/v2"

	"github.com/souk-mesh/souk/plugins/files"
	"github.com/souk-mesh/souk/plugins/internal/lake"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/plugintest"
)

func TestMain(m *testing.M) { plugintest.Main(m, sdk.Register(files.Plugin())) }

type order struct {
	ID    int64   `parquet:"id"`
	Price float64 `parquet:"price,optional"`
}

func parquetFile(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[order](&b)
	if _, err := w.Write(make([]order, 3)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func workbook(t *testing.T) string {
	t.Helper()
	book := excelize.NewFile()
	for _, sheet := range []string{"Orders", "Lines"} {
		if _, err := book.NewSheet(sheet); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(book.SetSheetRow(sheet, "A1", &[]any{"id", "day"}), book.SetSheetRow(sheet, "A2", &[]any{1, "2024-01-31"})); err != nil {
			t.Fatal(err)
		}
	}
	b, err := book.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// folder writes files into a folder of their own, all at one moment.
func folder(t *testing.T, content map[string]string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for name, text := range content {
		path := root + "/" + name
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func shop(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{
		"in/countries.csv": "code,name\nDE,canary-value\n", "in/orders-2024-01-01.csv": "id;day\n1;2024-01-01\n", "in/orders-2024-01-02.csv": "id;day\n2;2024-01-02\n",
		"events/2024/01/31/app.jsonl": `{"id": 1, "who": {"name": "canary-value"}}` + "\n", "lake/broken/part-0.parquet": "this is no parquet",
		"lake/orders/day=2024-01-01/part-0.parquet": parquetFile(t), "lake/orders/day=2024-01-02/part-0.parquet": parquetFile(t),
		"lake/delta/_delta_log/00000000000000000000.json": `{"metaData":{"id":"1","schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"id\",\"type\":\"long\",\"nullable\":true,\"metadata\":{}}]}","partitionColumns":[]}}`,
		"lake/delta/part-00000-a.snappy.parquet":          "x",
		"lake/iceberg/metadata/00000-a.metadata.json":     `{"format-version":2,"current-schema-id":0,"schemas":[{"schema-id":0,"fields":[{"id":1,"name":"id","required":true,"type":"long"}]}]}`,
		"lake/iceberg/data/00000-0-a.parquet":             "x",
		"odd/it's \"quoted\".csv":                         "a,b\n1,2\n", "odd/line\nbreak.csv": "a,b\n1,2\n", "odd/😀 ü.csv": "a,b\n1,2\n", "odd/case.csv": "a,b\n1,2\n", "odd/Case.csv": "a,b\n1,2\n",
		"odd/\xff.csv": "a,b\n1,2\n", "photos/cat.jpg": "x", "books/orders.xlsx": workbook(t),
	}
}

// sized is a folder with n folders, each with the files of one dataset.
func sized(t *testing.T, below string, n int) string {
	t.Helper()
	root := filepath.Join(below, fmt.Sprint("of", n))
	file := filepath.Join(below, "a.csv")
	if err := os.WriteFile(file, []byte("a,b\n1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if i%10_000 == 9_999 { // a file has not so many names
			file = filepath.Join(below, fmt.Sprintf("a%d.csv", i))
			if err := os.WriteFile(file, []byte("a,b\n1,2\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		in := filepath.Join(root, fmt.Sprintf("t%06d", i))
		if err := errors.Join(os.MkdirAll(in, 0o700), os.Link(file, filepath.Join(in, "day-2026-11-01.csv"))); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func configOf(t *testing.T, path string) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(map[string]string{"path": path, "name": "files.acme.example"})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestPlugin(t *testing.T) {
	root, many := folder(t, shop(t)), t.TempDir()
	plugintest.Run(t, sdk.Register(files.Plugin()), plugintest.Fixture{
		Config: configOf(t, root), Golden: "testdata/shop.golden.jsonl", Replace: map[string]string{root: "/data"}, Folders: []string{root, many},
		Scale: plugintest.Sized(nil, func(n int) json.RawMessage { return configOf(t, sized(t, many, n)) }),
		BadConfigs: []plugintest.BadConfig{
			{Name: "no path", Config: json.RawMessage(`{}`), Class: sdk.ClassConfig, Field: "path"},
			{Name: "absent", Config: configOf(t, root+"/none"), Class: sdk.ClassConfig, Field: "path"},
			{Name: "a file", Config: configOf(t, root+"/in/countries.csv"), Class: sdk.ClassConfig, Field: "path"},
			{Name: "outside", Config: configOf(t, "/etc"), Class: sdk.ClassConfig, Field: "path"},
			{Name: "no pattern", Config: json.RawMessage(fmt.Sprintf(`{"path": %q, "datasets": ["["]}`, root)), Class: sdk.ClassConfig, Field: "datasets"},
		},
	})
}

// memory is a sink that keeps everything.
type memory struct {
	mu    sync.Mutex
	names []string
	done  []string
	notes []sdk.Note
}

func (m *memory) Emit(r sdk.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if a, is := r.(*sdk.Asset); is && a.Kind != "BUCKET" && a.Kind != "FOLDER" {
		m.names = append(m.names, a.ID.Name)
	}
	return sdk.Validate(r)
}
func (m *memory) Checkpoint([]byte) error             { return nil }
func (m *memory) ScopeDone(s string) error            { m.done = append(m.done, s); return nil }
func (m *memory) Progress(int64, int64, string) error { return nil }
func (m *memory) Note(n sdk.Note) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notes = append(m.notes, n)
	return nil
}

func harvest(t *testing.T, root string) (*memory, error) {
	t.Helper()
	c := files.Config{Path: root, Choice: lake.Choice{Grouping: "auto", Heads: "read", Header: "sniff"}}
	s, err := files.Plugin().Open(t.Context(), c, sdk.Env{Files: sdk.NewFiles(root)})
	if err != nil {
		t.Fatal(err)
	}
	m := &memory{}
	err = s.Harvest(t.Context(), sdk.Request{}, m)
	for i := range m.names {
		m.names[i] = strings.TrimPrefix(m.names[i], root+"/")
	}
	slices.Sort(m.names)
	return m, err
}

// A link leads neither out of the folder nor round in it.
func TestLinksAreNotFollowed(t *testing.T) {
	outside := folder(t, map[string]string{"secret.csv": "a,b\n1,2\n"})
	root := folder(t, map[string]string{"in/a.csv": "a,b\n1,2\n"})
	for link, to := range map[string]string{"in/out": outside, "in/out.csv": outside + "/secret.csv", "in/round": root} {
		if err := os.Symlink(to, root+"/"+link); err != nil {
			t.Fatal(err)
		}
	}
	m, err := harvest(t, root)
	if diff := cmp.Diff([]string{"in/a.csv"}, m.names); err != nil || diff != "" || len(m.done) != 1 {
		t.Error(err, diff, m.done)
	}
}

// A folder that is mounted in itself, or its like, is refused rather than walked.
func TestFoldersTooDeep(t *testing.T) {
	m, err := harvest(t, folder(t, map[string]string{strings.Repeat("a/", 120) + "x.csv": "a,b\n1,2\n"}))
	if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Class != sdk.ClassConfig || len(m.done) > 0 {
		t.Errorf("err %v, done %q", err, m.done)
	}
}
