// Package heads says what the columns of a data file are, from as little of the
// file as will do: the footer of Parquet, the first rows of text, the header of
// Avro. It owns the file formats. It keeps names and types and never a value,
// and it refuses to know where a file lies or which files belong together.
package heads

import (
	"context"
	"errors"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// Limits on what is read of one file.
const (
	headBytes   = 256 << 10 // of text, and of what it is unpacked to
	widestHead  = 4 << 20   // of text whose first line is longer than headBytes
	footerBytes = 64 << 10  // the first guess at the length of a Parquet footer
	largestFoot = 32 << 20
	maxRows     = 1000 // looked at for the types of columns
	maxFields   = 5000 // what one record may hold
	maxSheet    = 20 << 20
)

// File is one file and the way to its bytes.
type File struct {
	Name string
	Size int64

	// Read gives the bytes from offset on, n of them or as many as there are.
	Read func(ctx context.Context, offset, n int64) ([]byte, error)
}

// Table is what a file holds. Most hold one, which has no name; a workbook has
// one for each sheet.
type Table struct {
	Name       string
	Fields     []sdk.Field
	LeftOut    int    // fields beyond what one record may hold
	Rows       *int64 // where the file itself says it
	Properties map[string]string
}

// BrokenError is of a file whose content is not what its name or its own head promises.
type BrokenError struct {
	What string // a sentence without a value of the data
	Err  error
}

// Error is the sentence.
func (e *BrokenError) Error() string { return e.What }

// Unwrap gives the cause.
func (e *BrokenError) Unwrap() error { return e.Err }

func broken(err error, what string) error {
	return &BrokenError{What: what, Err: err}
}

// IsBroken tells whether the content is at fault, rather than the way to it.
func IsBroken(err error) bool {
	_, is := errors.AsType[*BrokenError](err)
	return is
}

// Format is a kind of data file.
type Format string

// The formats. Of ORC and Arrow nothing but the name is known.
const (
	None    Format = ""
	Parquet Format = "parquet"
	CSV     Format = "csv"
	TSV     Format = "tsv"
	JSON    Format = "json"
	Lines   Format = "jsonl"
	Avro    Format = "avro"
	ORC     Format = "orc"
	Arrow   Format = "arrow"
	Excel   Format = "excel"
	Unknown Format = "unknown" // a data file by its place or name, whose format its name does not tell
)

var formats = map[string]Format{
	"parquet": Parquet, "parq": Parquet, "pq": Parquet, "csv": CSV, "tsv": TSV, "tab": TSV, "json": JSON,
	"jsonl": Lines, "ndjson": Lines, "jsonlines": Lines, "avro": Avro, "orc": ORC,
	"arrow": Arrow, "feather": Arrow, "xlsx": Excel, "xlsm": Excel,
}

var packings = map[string]string{
	"gz": "gzip", "gzip": "gzip", "zst": "zstd", "zstd": "zstd", "bz2": "bzip2",
	"snappy": "snappy", "lz4": "lz4", "xz": "xz", "deflate": "deflate",
}

// Kind tells the format and the packing by the name of a file, and how much
// of the name is left without them. Capitals do not count.
func Kind(name string) (stem string, format Format, packing string) {
	stem, ext := cutExt(name)
	if packing = packings[ext]; packing != "" {
		inner, innerExt := cutExt(stem)
		if format = formats[innerExt]; format != None {
			return inner, format, packing
		}
		return stem, None, packing
	}
	if format = formats[ext]; format == None {
		return name, None, ""
	}
	// Writers of Parquet, ORC and Avro name the packing of the pages within.
	if inner, innerExt := cutExt(stem); packings[innerExt] != "" {
		stem = inner
	}
	return stem, format, ""
}

func cutExt(name string) (stem, ext string) {
	dot := strings.LastIndexByte(name, '.')
	if dot <= 0 || len(name)-dot > 10 {
		return name, ""
	}
	return name[:dot], strings.ToLower(name[dot+1:])
}

// Options are what a person may know better than a guess.
type Options struct {
	Header string // of CSV: "sniff", "always" or "never"
}

// Read gives the tables of a file. A format that is not read has one table
// without fields.
func Read(ctx context.Context, f File, o Options) ([]Table, error) {
	_, format, packing := Kind(f.Name)
	switch format {
	case Parquet:
		return one(readParquet(ctx, f))
	case Avro:
		return one(readAvro(ctx, f))
	case Excel:
		return readExcel(ctx, f)
	case CSV, TSV, JSON, Lines:
		return one(readText(ctx, f, format, packing, o))
	case None, Unknown:
		if packing == "" {
			return one(readUnknown(ctx, f))
		}
	case ORC, Arrow:
	}
	return []Table{{}}, nil
}

func one(t Table, err error) ([]Table, error) {
	if err != nil {
		return nil, err
	}
	if over := len(t.Fields) - maxFields; over > 0 {
		t.Fields, t.LeftOut = t.Fields[:maxFields], over
	}
	for i := range t.Fields {
		t.Fields[i].Position = i + 1
		t.Fields[i].Name = strings.ToValidUTF8(t.Fields[i].Name, "\uFFFD")
	}
	return []Table{t}, nil
}

// readUnknown knows formats by their first bytes. Text without a name to go by
// is not guessed at: it might be anything.
func readUnknown(ctx context.Context, f File) (Table, error) {
	start, err := f.Read(ctx, 0, 512)
	if err != nil {
		return Table{}, err
	}
	trimmed := strings.TrimLeft(string(start), " \t\r\n\uFEFF")
	switch {
	case strings.HasPrefix(trimmed, "PAR1"):
		return readParquet(ctx, f)
	case strings.HasPrefix(trimmed, avroMagic):
		return readAvro(ctx, f)
	case strings.HasPrefix(trimmed, `{"`):
		return readText(ctx, f, Lines, "", Options{})
	}
	return Table{}, nil
}

func (t *Table) property(name, value string) {
	if value == "" {
		return
	}
	if t.Properties == nil {
		t.Properties = map[string]string{}
	}
	t.Properties[name] = value
}
