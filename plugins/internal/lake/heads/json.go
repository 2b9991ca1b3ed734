package heads

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// shape is what the objects of a file have in common, by the path of each
// member, in the order in which they were first seen.
type shape struct {
	order []string
	seen  map[string]kinds
}

const deepestJSON = 16

var errEnough = errors.New("enough is read")

// readJSON reads objects, one a line or one after another, or a list of them.
func readJSON(t *text) (Table, error) {
	s := &shape{seen: map[string]kinds{}}
	d := json.NewDecoder(bytes.NewReader(t.bytes))
	d.UseNumber()
	rows := 0
	err := s.rows(d, &rows)
	switch {
	case err == nil, errors.Is(err, io.EOF), errors.Is(err, errEnough):
	case t.cut && rows+len(s.order) > 0: // the cut went through something
	default:
		return Table{}, broken(err, "the file is no JSON")
	}
	table := Table{}
	for _, path := range s.order {
		k := s.seen[path]
		table.Fields = append(table.Fields, sdk.Field{Name: path, NativeType: k.String(), Nullable: k&isEmpty != 0})
	}
	return table, nil
}

// rows reads values from the top of the file, or from the list that it is.
func (s *shape) rows(d *json.Decoder, rows *int) error {
	inList := false
	for {
		if inList && !d.More() {
			if _, err := d.Token(); err != nil {
				return within(true, err)
			}
			inList = false
		}
		token, err := d.Token()
		if err != nil {
			return within(inList, err)
		}
		if token == json.Delim('[') && !inList && *rows == 0 {
			inList = true
			continue
		}
		if err := s.value(d, token, "", 0); err != nil {
			return within(true, err)
		}
		if *rows++; *rows >= maxRows || len(s.order) > maxFields {
			return errEnough
		}
	}
}

// within tells the end of a file amid a value from one after a value.
func within(amid bool, err error) error {
	if amid && errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// value takes in the value that begins with the token.
func (s *shape) value(d *json.Decoder, token json.Token, path string, depth int) error {
	switch v := token.(type) {
	case json.Delim:
		s.add(path, isNested)
		if v == '{' {
			return s.object(d, path, depth)
		}
		return s.list(d, path, depth)
	case string:
		s.add(path, kindOfString(v))
	case json.Number:
		k := isDecimal
		if _, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			k = isInteger
		}
		s.add(path, k)
	case bool:
		s.add(path, isBool)
	case nil:
		s.add(path, isEmpty)
	}
	return nil
}

func (s *shape) object(d *json.Decoder, path string, depth int) error {
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		if err := s.member(d, join(path, memberName(name)), depth); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func (s *shape) list(d *json.Decoder, path string, depth int) error {
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		if delim, nested := token.(json.Delim); nested && depth < deepestJSON {
			if delim == '{' {
				err = s.object(d, path+"[]", depth+1)
			} else {
				err = s.list(d, path+"[]", depth+1)
			}
		} else if nested {
			err = skip(d)
		}
		if err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

// member reads the value of a member; what lies too deep is passed over.
func (s *shape) member(d *json.Decoder, path string, depth int) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	if _, nested := token.(json.Delim); nested && depth >= deepestJSON {
		s.add(path, isNested)
		return skip(d)
	}
	return s.value(d, token, path, depth+1)
}

// skip reads to the end of the object or list that has begun.
func skip(d *json.Decoder) error {
	for open := 1; open > 0; {
		token, err := d.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			open++
		case json.Delim('}'), json.Delim(']'):
			open--
		}
	}
	return nil
}

// add takes no more members than a record may hold, and one that is over,
// which tells that there are more.
func (s *shape) add(path string, k kinds) {
	if path == "" {
		return
	}
	before, known := s.seen[path]
	if !known {
		if len(s.order) > maxFields {
			return
		}
		s.order = append(s.order, path)
	}
	s.seen[path] = before | k
}

// memberName is the name of a member, or {} for one that is a value: in an
// object that is a map from ids, addresses or days, the names are data.
func memberName(name string) string {
	if name == "" || strings.ContainsAny(name, "@") || kindOf(name)&(isText|isBool) == 0 || isID(name) {
		return "{}"
	}
	if len(name) > 1000 {
		name = strings.ToValidUTF8(name[:1000], "")
	}
	return name
}

// isID tells hashes, UUIDs and the like: long, of hexadecimal digits, with numbers in them.
func isID(name string) bool {
	return len(name) >= 12 && strings.ContainsAny(name, "0123456789") && strings.Trim(name, "0123456789abcdefABCDEF-") == ""
}

func kindOfString(v string) kinds {
	if k := kindOf(v); k == isDate || k == isTimestamp {
		return k
	}
	return isText
}
