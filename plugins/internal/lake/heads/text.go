package heads

import (
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// text is the beginning of a file of text, unpacked and in UTF-8.
type text struct {
	bytes    []byte
	cut      bool // there is more of it
	encoding string
}

func readText(ctx context.Context, f File, format Format, packing string, o Options) (Table, error) {
	t, err := headOf(ctx, f, packing, headBytes)
	if t != nil && t.cut && !bytes.ContainsRune(t.bytes, '\n') {
		t, err = headOf(ctx, f, packing, widestHead)
	}
	if err != nil || t == nil {
		return Table{}, err
	}
	var table Table
	switch format {
	case CSV, TSV:
		table = readDelimited(t, format, o)
	default:
		if table, err = readJSON(t); err != nil {
			return Table{}, err
		}
	}
	if t.encoding != "" {
		table.property("encoding", t.encoding)
	}
	return table, nil
}

// headOf reads the first n bytes of what is packed, and unpacks no more than
// n bytes of it, however much there is. Nil is of a packing that is not read.
func headOf(ctx context.Context, f File, packing string, n int64) (*text, error) {
	raw, err := f.Read(ctx, 0, n)
	if err != nil {
		return nil, err
	}
	whole := int64(len(raw)) >= f.Size
	if packing == "" {
		return decode(raw, !whole), nil
	}
	unpack, known, err := unpacker(packing, raw)
	if !known {
		return nil, nil //nolint:nilnil // nothing is an answer here
	}
	if err != nil {
		return nil, broken(err, "the file is not packed as its name says")
	}
	head, err := io.ReadAll(io.LimitReader(unpack, n))
	if err != nil && (whole || !errors.Is(err, io.ErrUnexpectedEOF)) {
		return nil, broken(err, "the packed file is damaged")
	}
	return decode(head, !whole || int64(len(head)) == n), nil
}

// unpacker holds its memory down, whatever the head of the file asks for.
func unpacker(packing string, raw []byte) (_ io.Reader, known bool, err error) {
	from := bytes.NewReader(raw)
	switch packing {
	case "gzip":
		r, err := gzip.NewReader(from)
		return r, true, err
	case "zstd":
		r, err := zstd.NewReader(from, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(widestHead*4), zstd.WithDecoderMaxWindow(8<<20))
		return r, true, err
	case "bzip2":
		return bzip2.NewReader(from), true, nil
	}
	return nil, false, nil
}

// decode finds out the encoding: by its mark, or UTF-8 where it is that. What
// is neither is read as Windows-1252, in which every byte is some character.
func decode(raw []byte, cut bool) *text {
	t := &text{bytes: raw, cut: cut}
	switch {
	case bytes.HasPrefix(raw, []byte{0xEF, 0xBB, 0xBF}):
		t.bytes = raw[3:]
	case bytes.HasPrefix(raw, []byte{0xFF, 0xFE}), bytes.HasPrefix(raw, []byte{0xFE, 0xFF}):
		t.encoding = "UTF-16"
		t.convert(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM))
	}
	if t.encoding == "" && !utf8.Valid(wholeRunes(t.bytes)) {
		t.encoding = "windows-1252"
		t.convert(charmap.Windows1252)
	}
	return t
}

func (t *text) convert(from encoding.Encoding) {
	if converted, err := from.NewDecoder().Bytes(t.bytes); err == nil {
		t.bytes = converted
	}
}

// wholeRunes leaves out a character that the cut went through.
func wholeRunes(b []byte) []byte {
	for back := 1; back <= utf8.UTFMax && back <= len(b); back++ {
		if at := len(b) - back; utf8.RuneStart(b[at]) {
			if !utf8.FullRune(b[at:]) {
				return b[:at]
			}
			break
		}
	}
	return b
}

// lines gives the bytes up to the last whole line.
func (t *text) lines() []byte {
	if !t.cut {
		return t.bytes
	}
	if end := bytes.LastIndexByte(t.bytes, '\n'); end >= 0 {
		return t.bytes[:end+1]
	}
	return t.bytes
}
