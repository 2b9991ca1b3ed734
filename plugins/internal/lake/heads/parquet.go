package heads

import (
	"context"
	"encoding/binary"
	"strconv"

	"github.com/parquet-go/parquet-go/format"

	"github.com/souk-mesh/souk/sdk"
)

const (
	parquetMagic   = "PAR1"
	encryptedMagic = "PARE"
)

// readParquet reads the footer: its length stands before the last four bytes.
func readParquet(ctx context.Context, f File) (Table, error) {
	foot, err := parquetFooter(ctx, f)
	if err != nil {
		return Table{}, err
	}
	if foot == nil {
		t := Table{}
		t.property("encrypted", "true")
		return t, nil
	}
	meta, err := decodeFooter(foot)
	if err != nil {
		return Table{}, broken(err, "the Parquet footer cannot be decoded")
	}
	t := Table{}
	if meta.NumRows >= 0 {
		rows := meta.NumRows
		t.Rows = &rows
	}
	s := parquetSchema{elements: meta.Schema}
	if len(s.elements) == 0 {
		return Table{}, broken(nil, "the Parquet footer has no schema")
	}
	s.next = 1
	if !s.walk("", int(s.elements[0].NumChildren.V), 0, &t.Fields) {
		return Table{}, broken(nil, "the schema in the Parquet footer contradicts itself")
	}
	return t, nil
}

// parquetFooter gives the bytes of the footer, or nil for one that is encrypted.
func parquetFooter(ctx context.Context, f File) ([]byte, error) {
	const trailer = 8
	if f.Size < trailer+int64(len(parquetMagic)) {
		return nil, broken(nil, "the file is too short for Parquet")
	}
	from := max(0, f.Size-footerBytes)
	tail, err := f.Read(ctx, from, f.Size-from)
	if err != nil {
		return nil, err
	}
	if len(tail) < trailer {
		return nil, broken(nil, "the file ends before its Parquet footer")
	}
	end := tail[len(tail)-trailer:]
	switch string(end[4:]) {
	case encryptedMagic:
		return nil, nil
	case parquetMagic:
	default:
		return nil, broken(nil, "the file does not end like Parquet")
	}
	length := int64(binary.LittleEndian.Uint32(end))
	if length > f.Size-trailer || length > largestFoot {
		return nil, broken(nil, "the Parquet footer says that it is longer than the file, or longer than 32 MiB")
	}
	if length+trailer <= int64(len(tail)) {
		return tail[int64(len(tail))-trailer-length : len(tail)-trailer], nil
	}
	return f.Read(ctx, f.Size-trailer-length, length)
}

// decodeFooter takes a panic of the decoder for what it is: a broken file.
func decodeFooter(foot []byte) (meta *format.FileMetaData, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = broken(nil, "the Parquet footer breaks its decoder")
		}
	}()
	var d format.FooterDecoder
	meta, _, err = d.Decode(foot)
	return meta, err
}

// parquetSchema is the tree of columns, written as a list from the top down.
type parquetSchema struct {
	elements []format.SchemaElement
	next     int
}

const deepest = 64 // levels of nesting that are followed

// walk adds the next children to the fields. A list or map has wrappers around
// its items, which are left out of the names.
func (s *parquetSchema) walk(path string, children, depth int, fields *[]sdk.Field) bool {
	for range children {
		if s.next >= len(s.elements) || depth > deepest {
			return false
		}
		e := s.elements[s.next]
		s.next++
		name := join(path, e.Name)
		nested := e.NumChildren.Valid && e.NumChildren.V > 0
		*fields = append(*fields, sdk.Field{
			Name: name, NativeType: parquetType(e), Nullable: e.RepetitionType.V == format.Optional,
		})
		if nested && !s.within(name, e, depth, fields) {
			return false
		}
	}
	return true
}

// within walks what a group holds.
func (s *parquetSchema) within(name string, e format.SchemaElement, depth int, fields *[]sdk.Field) bool {
	kind := parquetType(e)
	if kind != "LIST" && kind != "MAP" {
		return s.walk(name, int(e.NumChildren.V), depth+1, fields)
	}
	// list.element, or key_value.key and key_value.value
	if s.next >= len(s.elements) {
		return false
	}
	wrapper := s.elements[s.next]
	s.next++
	inner := int(wrapper.NumChildren.V)
	if inner == 0 { // a list of two levels: the wrapper is the item
		return true
	}
	for range inner {
		if s.next >= len(s.elements) {
			return false
		}
		item := s.elements[s.next]
		s.next++
		if item.NumChildren.V > 0 && !s.within(name+itemMark(kind, item.Name), item, depth+1, fields) {
			return false
		}
	}
	return true
}

// itemMark is what stands for any item of a list or any key of a map.
func itemMark(kind, name string) string {
	switch {
	case kind == "LIST":
		return "[]"
	case name == "value":
		return "{}"
	}
	return "{" + name + "}"
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// convertedTypes are the types of writers older than logical types, by number.
var convertedTypes = []string{
	"STRING", "MAP", "MAP", "LIST", "ENUM", "DECIMAL", "DATE", "TIME_MILLIS", "TIME_MICROS", "TIMESTAMP_MILLIS", "TIMESTAMP_MICROS",
	"UINT_8", "UINT_16", "UINT_32", "UINT_64", "INT_8", "INT_16", "INT_32", "INT_64", "JSON", "BSON", "INTERVAL",
}

func parquetType(e format.SchemaElement) string {
	if logical := e.LogicalType.String(); logical != "" {
		return logical
	}
	if n := int(e.ConvertedType.V); e.ConvertedType.Valid && n >= 0 && n < len(convertedTypes) {
		if convertedTypes[n] == "DECIMAL" {
			return "DECIMAL(" + strconv.Itoa(int(e.Precision.V)) + "," + strconv.Itoa(int(e.Scale.V)) + ")"
		}
		return convertedTypes[n]
	}
	if e.NumChildren.Valid && e.NumChildren.V > 0 {
		return "GROUP"
	}
	return e.Type.V.String()
}
