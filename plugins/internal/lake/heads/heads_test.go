package heads_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/xuri/excelize/v2"

	"github.com/souk-mesh/souk/plugins/internal/lake/heads"
)

// file is one in memory, which counts what is read of it.
type file struct {
	heads.File
	read int64
}

func fileOf(name, content string) *file {
	f := &file{File: heads.File{Name: name, Size: int64(len(content))}}
	f.Read = func(_ context.Context, offset, n int64) ([]byte, error) {
		offset = min(offset, int64(len(content)))
		part := content[offset:min(int64(len(content)), offset+n)]
		f.read += int64(len(part))
		return []byte(part), nil
	}
	return f
}

// columns reads a file and gives its columns as lines.
func columns(t *testing.T, name, content string, o heads.Options) []string {
	t.Helper()
	tables, err := heads.Read(t.Context(), fileOf(name, content).File, o)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return linesOf(tables)
}

func linesOf(tables []heads.Table) []string {
	var lines []string
	for _, table := range tables {
		for i, f := range table.Fields {
			line := strings.TrimPrefix(table.Name+"#", "#") + f.Name + " " + f.NativeType
			if f.Nullable {
				line += "?"
			}
			if f.Position != i+1 {
				line += fmt.Sprintf(" at %d", f.Position)
			}
			lines = append(lines, line)
		}
	}
	return lines
}

func TestText(t *testing.T) {
	for _, test := range []struct {
		name, file, content string
		want                []string
	}{
		{"types", "a.csv", "id,price,day,at,ok,name,zip,none\n1,2.5,2024-01-31,2024-01-31T10:00:00Z,true,x,01234,\n-2,3,2024-02-01,2024-01-31 10:00:00,false,,99999,\n", []string{"id integer", "price decimal", "day date", "at timestamp", "ok boolean", "name string?", "zip string", "none ?"}},
		{"semicolons and decimal commas", "a.csv", "id;price\n1;2,5\n2;3,5\n", []string{"id integer", "price string"}},
		{"tabs", "a.csv", "id\tname\n1\tx\n", []string{"id integer", "name string"}},
		{"pipes", "a.csv", "id|name\n1|x\n", []string{"id integer", "name string"}},
		{"TSV", "a.tsv", "id\tname, first\n1\tx\n", []string{"id integer", "name, first string"}},
		{"quoted line breaks", "a.csv", "id,\"the\nnote\"\n1,\"a, b\nc\"\n2,\"x \"\"y\"\"\"\n", []string{"column_1 string", "column_2 string"}},
		{"quotes escaped by backslashes", "a.csv", "id,name\n1,\"my value \\\", new\"\n2,b\n3,c\n4,d\n5,e\n6,f\n", []string{"id integer", "name string"}},
		{"zeros and a quote that never ends", "a.csv", "id,name\n1,a\x00b\n2,\"open\n3,c\n", []string{"id integer", "name string"}},
		{"a very long cell", "a.csv", "id,name\n1," + strings.Repeat("x", 200_000) + "\n2,y\n", []string{"id integer", "name string"}},
		{"an empty object", "a.json", `{"meta": {}, "n": {"a": {}}}`, []string{"meta object", "n object", "n.a object"}},
		{"one column", "a.csv", "name\nx\ny\n", []string{"name string"}},
		{"a mark of the delimiter", "a.csv", "sep=;\nid;a,b\n1;2,3\n", []string{"id integer", "a,b string"}},
		{"a byte order mark", "a.csv", "\uFEFFid,name\n1,x\n", []string{"id integer", "name string"}},
		{"UTF-16", "a.csv", utf16("id;grün\n1;x\n"), []string{"id integer", "grün string"}},
		{"Windows-1252", "a.csv", "id,gr\xfcn\n1,x\n", []string{"id integer", "grün string"}},
		{"names twice and none", "a.csv", "id,name,,size\n1,x,y,2\n", []string{"id integer", "name string", "column_3 string", "size integer"}},
		{"ragged", "a.csv", "id,name\n1,x,extra\n2\n3,y\n4,z\n5,z\n6,z\n7,z\n8,z\n9,z\n10,z\n11,z\n12,z\n", []string{"id integer", "name string"}},
		{"empty", "a.csv", "", nil},
		{"no header, numbers", "a.csv", "1,x\n2,y\n", []string{"column_1 integer", "column_2 string"}},
		{"no header, an address", "a.csv", "ann@acme.example,Berlin\nbob@acme.example,Paris\n", []string{"column_1 string", "column_2 string"}},
		{"no header, a value again", "a.csv", "Ann,Berlin\nBob,Berlin\n", []string{"column_1 string", "column_2 string"}},
		{"only a header", "a.csv", "id,name\n", []string{"id ", "name "}},
		{"JSON lines", "a.jsonl", "{\"id\":1,\"at\":\"2024-01-31T10:00:00Z\",\"who\":{\"name\":\"x\",\"zip\":\"01\"}}\n{\"id\":2.5,\"tags\":[\"a\"],\"items\":[{\"sku\":1}],\"who\":null}\n", []string{"id decimal", "at timestamp", "who object?", "who.name string", "who.zip string", "tags object", "items object", "items[].sku integer"}},
		{"a JSON list", "a.json", "[{\"id\":1},{\"id\":2,\"x\":true}]", []string{"id integer", "x boolean"}},
		{"a JSON object over lines", "a.json", "{\n \"id\": 1\n}\n", []string{"id integer"}},
		{"a map from ids", "a.json", `{"2024-01-31":{"n":1},"ann@acme.example":{"n":2},"8a7fc2f5-6a2b-4a3e-9f0e-0d6c1a2b3c4d":{"n":3}}`, []string{"{} object", "{}.n integer"}},
		{"no format in the name", "part-00000", "{\"id\":1}\n", []string{"id integer"}},
		{"text without a format", "part-00000", "ann,berlin\n", nil},
		{"gzip", "a.csv.gz", packed("id,name\n1,x\n"), []string{"id integer", "name string"}},
		{"zstd", "a.jsonl.zst", zstandard("{\"id\":1}\n"), []string{"id integer"}},
		{"a packing that is not read", "a.csv.lz4", "whatever", nil},
		{"a format that is not read", "a.orc", "whatever", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, columns(t, test.file, test.content, heads.Options{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHeaderAsToldTo(t *testing.T) {
	content := "Ann,Berlin\nBob,Berlin\n"
	if diff := cmp.Diff([]string{"Ann string", "Berlin string"}, columns(t, "a.csv", content, heads.Options{Header: "always"})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"column_1 string", "column_2 integer"}, columns(t, "a.csv", "id,name\nx,1\n", heads.Options{Header: "never"})); diff == "" {
		t.Error("a cell of the first row is not counted as a value")
	}
}

func TestNoValueIsKept(t *testing.T) {
	const canary = "canary-7391"
	for name, content := range map[string]string{
		"a.csv": canary + ",2\n" + canary + ",3\n", "b.csv": "id,name\n1," + canary + "\n", "c.jsonl": `{"name":"` + canary + `"}`,
		"d.csv": "7391" + ",x\n1,y\n", "e.json": `{"canary-7391@acme.example":1}`,
	} {
		for _, line := range columns(t, name, content, heads.Options{}) {
			if strings.Contains(line, "7391") {
				t.Errorf("%s: a value stands in %q", name, line)
			}
		}
	}
}

func TestWideFiles(t *testing.T) {
	var head, row strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&head, "column_with_a_rather_long_name_for_its_kind_and_number_n%d,", i)
		row.WriteString("1,")
	}
	head.WriteString("the_last\n")
	tables, err := heads.Read(t.Context(), fileOf("a.csv", head.String()+row.String()+"1\n").File, heads.Options{})
	if err != nil || len(tables[0].Fields) != 5000 || tables[0].LeftOut != 1 {
		t.Fatalf("err %v, %d fields, %d left out", err, len(tables[0].Fields), tables[0].LeftOut)
	}
	if f := tables[0].Fields[4999]; !strings.HasSuffix(f.Name, "n4999") || f.NativeType != "integer" {
		t.Errorf("the last is %+v", f)
	}
	var object strings.Builder
	object.WriteString(`{"x":0`)
	for i := range 6000 {
		fmt.Fprintf(&object, `,"m%d":1`, i)
	}
	object.WriteString("}\n")
	tables, err = heads.Read(t.Context(), fileOf("a.json", object.String()).File, heads.Options{})
	if err != nil || len(tables[0].Fields) != 5000 || tables[0].LeftOut == 0 {
		t.Errorf("err %v, %d fields, %d left out", err, len(tables[0].Fields), tables[0].LeftOut)
	}
}

// A head is all that is read of a large file, and all that is unpacked.
func TestLargeFiles(t *testing.T) {
	long := "id,name\n" + strings.Repeat("1,some text that goes on\n", 1<<20)
	f := fileOf("a.csv", long)
	tables, err := heads.Read(t.Context(), f.File, heads.Options{})
	if diff := cmp.Diff([]string{"id integer", "name string"}, linesOf(tables)); err != nil || diff != "" || f.read > 256<<10 {
		t.Errorf("err %v, read %d\n%s", err, f.read, diff)
	}
	bomb := packed(strings.Repeat("0", 48<<20)) // 48 MiB of zeros without a line break
	f = fileOf("bomb.csv.gz", bomb)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = heads.Read(t.Context(), f.File, heads.Options{})
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; err != nil || taken > 192<<20 {
		t.Errorf("a gzip bomb: %v, and %d MiB are taken for it", err, taken>>20)
	}
	lines := fileOf("a.jsonl", strings.Repeat("{\"id\":1,\"who\":{\"name\":\"x\"}}\n", 1<<16))
	tables, err = heads.Read(t.Context(), lines.File, heads.Options{})
	if err != nil || len(tables[0].Fields) != 3 || lines.read > 256<<10 {
		t.Errorf("err %v, %+v, read %d", err, tables, lines.read)
	}
	deep := strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000)
	if tables, err = heads.Read(t.Context(), fileOf("deep.json", deep).File, heads.Options{}); err != nil || len(tables[0].Fields) != 17 {
		t.Errorf("err %v, %d fields", err, len(tables[0].Fields))
	}
}

func TestBrokenFiles(t *testing.T) {
	whole := parquetFile(t)
	foot := binary.LittleEndian.Uint32([]byte(whole[len(whole)-8:]))
	damaged := []byte(whole)
	for i := len(whole) - 8 - int(foot); i < len(whole)-8; i++ {
		damaged[i] = 0xFF
	}
	for name, content := range map[string]string{
		"empty.parquet": "x", "cut.parquet": whole[:len(whole)-1], "text.parquet": "id,name\n1,this is no parquet\n",
		"long.parquet": "PAR1xxxx\xff\xff\xff\xffPAR1", "damaged.parquet": string(damaged),
		"half.json": `[{"id":1},{"id":`, "text.json": "not json", "a.csv.gz": "not packed", "cut.csv.gz": packed(strings.Repeat("id,name\n", 1000))[:40],
		"a.avro": "no avro", "cut.avro": "Obj\x01\x02\x16avro.schema", "a.xlsx": "no workbook",
	} {
		_, err := heads.Read(t.Context(), fileOf(name, content).File, heads.Options{})
		if !heads.IsBroken(err) {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), "this is") {
			t.Errorf("%s: a value stands in %q", name, err)
		}
	}
}

type place struct {
	Street string   `parquet:"street,optional"`
	Tags   []string `parquet:"tags,list"`
}

type order struct {
	ID    int64             `parquet:"id"`
	Price float64           `parquet:"price,optional"`
	Cents int64             `parquet:"cents,decimal(2:18)"`
	Day   int32             `parquet:"day,date"`
	Where place             `parquet:"where"`
	Items []place           `parquet:"items,list"`
	Meta  map[string]string `parquet:"meta"`
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

func TestParquet(t *testing.T) {
	tables, err := heads.Read(t.Context(), fileOf("a.snappy.parquet", parquetFile(t)).File, heads.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"id INT(64,true)", "price DOUBLE?", "cents DECIMAL(18,2)", "day DATE", "where GROUP", "where.street STRING?", "where.tags LIST",
		"items LIST", "items[].street STRING?", "items[].tags LIST", "meta MAP",
	}
	if diff := cmp.Diff(want, linesOf(tables)); diff != "" || *tables[0].Rows != 3 {
		t.Error(diff, tables[0].Rows)
	}
	tables, err = heads.Read(t.Context(), fileOf("part-00000", parquetFile(t)).File, heads.Options{})
	if err != nil || len(tables[0].Fields) != len(want) {
		t.Errorf("without a format in its name: %v, %+v", err, tables)
	}
	tables, err = heads.Read(t.Context(), fileOf("secret.parquet", "PARE"+strings.Repeat("x", 20)+"PARE").File, heads.Options{})
	if err != nil || tables[0].Properties["encrypted"] != "true" {
		t.Errorf("encrypted: %v, %+v", err, tables)
	}
}

func TestAvro(t *testing.T) {
	schema := `{"type":"record","name":"r","fields":[{"name":"id","type":"long","doc":"the id"},{"name":"at","type":["null",{"type":"long","logicalType":"timestamp-millis"}]},` +
		`{"name":"who","type":{"type":"record","name":"w","fields":[{"name":"zip","type":["null","string","int"]}]}},{"name":"tags","type":{"type":"array","items":{"type":"record","name":"t","fields":[{"name":"k","type":"string"}]}}}]}`
	header := binary.AppendVarint([]byte("Obj\x01"), 1)
	for _, text := range []string{"avro.schema", schema} {
		header = append(binary.AppendVarint(header, int64(len(text))), text...)
	}
	tables, err := heads.Read(t.Context(), fileOf("a.avro", string(append(header, 0))).File, heads.Options{})
	want := []string{"id long", "at timestamp-millis?", "who record", "who.zip union?", "tags array", "tags[].k string"}
	if diff := cmp.Diff(want, linesOf(tables)); err != nil || diff != "" || tables[0].Fields[0].Description != "the id" {
		t.Error(err, diff)
	}
}

func TestWorkbooks(t *testing.T) {
	book := excelize.NewFile()
	for cell, value := range map[string]any{"A2": "id", "B2": "größe", "A3": 1, "B3": "x", "A4": 2, "B4": "y"} {
		if err := book.SetCellValue("Sheet1", cell, value); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := book.NewSheet("Empty"); err != nil {
		t.Fatal(err)
	}
	if _, err := book.NewSheet("Other"); err != nil {
		t.Fatal(err)
	}
	if err := book.SetSheetRow("Other", "A1", &[]any{"only", "a", "header"}); err != nil {
		t.Fatal(err)
	}
	content, err := book.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	got := columns(t, "a.xlsx", content.String(), heads.Options{})
	if diff := cmp.Diff([]string{"Sheet1#id integer", "Sheet1#größe string", "Other#only ", "Other#a ", "Other#header "}, got); diff != "" {
		t.Error(diff)
	}
}

func packed(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.String()
}

func zstandard(text string) string {
	w, _ := zstd.NewWriter(nil)
	return string(w.EncodeAll([]byte(text), nil))
}

func utf16(text string) string {
	out := []byte("\xff\xfe")
	for _, r := range text {
		out = append(out, byte(r), byte(r>>8))
	}
	return string(out)
}
