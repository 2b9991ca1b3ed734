package hive_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/apache/thrift/lib/go/thrift"
)

// A tree is a value of Thrift of which nothing but its shape is known, as JSON: a
// struct is an object whose keys are NUMBER:KIND, a list {"of": KIND, "items": []},
// a map {"of": [KIND, KIND], "items": [[key, value]]}. A text that is not UTF-8 is
// {"base64": "..."}. The recorder writes what a Metastore answers as such, and the
// fake answers it again.
type tree = map[string]any

var kinds = map[thrift.TType]string{
	thrift.BOOL: "bool", thrift.BYTE: "byte", thrift.I16: "i16", thrift.I32: "i32", thrift.I64: "i64", thrift.DOUBLE: "double",
	thrift.STRING: "string", thrift.STRUCT: "struct", thrift.MAP: "map", thrift.SET: "set", thrift.LIST: "list",
}

func kindOf(name string) thrift.TType {
	for kind, word := range kinds {
		if word == name {
			return kind
		}
	}
	panic("no kind " + name)
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// readValue reads a value of whatever kind. It panics where there is none.
func readValue(ctx context.Context, in thrift.TProtocol, kind thrift.TType) any {
	switch kind {
	case thrift.BOOL:
		return must(in.ReadBool(ctx))
	case thrift.BYTE:
		return float64(must(in.ReadByte(ctx)))
	case thrift.I16:
		return float64(must(in.ReadI16(ctx)))
	case thrift.I32:
		return float64(must(in.ReadI32(ctx)))
	case thrift.I64:
		return float64(must(in.ReadI64(ctx)))
	case thrift.DOUBLE:
		return must(in.ReadDouble(ctx))
	case thrift.STRING:
		text := must(in.ReadString(ctx))
		if utf8.ValidString(text) {
			return text
		}
		return tree{"base64": base64.StdEncoding.EncodeToString([]byte(text))}
	case thrift.STRUCT:
		return readTree(ctx, in)
	case thrift.MAP:
		key, value, n, err := in.ReadMapBegin(ctx)
		check(err)
		items := []any{}
		for range n {
			k := readValue(ctx, in, key)
			items = append(items, []any{k, readValue(ctx, in, value)})
		}
		check(in.ReadMapEnd(ctx))
		slices.SortFunc(items, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		return tree{"of": []any{kinds[key], kinds[value]}, "items": items}
	}
	begin, end := in.ReadListBegin, in.ReadListEnd
	if kind == thrift.SET {
		begin, end = in.ReadSetBegin, in.ReadSetEnd
	}
	of, n, err := begin(ctx)
	check(err)
	items := []any{}
	for range n {
		items = append(items, readValue(ctx, in, of))
	}
	check(end(ctx))
	return tree{"of": kinds[of], "items": items}
}

func readTree(ctx context.Context, in thrift.TProtocol) tree {
	must(in.ReadStructBegin(ctx))
	all := tree{}
	for {
		_, kind, id, err := in.ReadFieldBegin(ctx)
		check(err)
		if kind == thrift.STOP {
			check(in.ReadStructEnd(ctx))
			return all
		}
		all[fmt.Sprint(id, ":", kinds[kind])] = readValue(ctx, in, kind)
		check(in.ReadFieldEnd(ctx))
	}
}

// writeTree writes a struct.
func writeTree(ctx context.Context, out thrift.TProtocol, t tree) {
	check(out.WriteStructBegin(ctx, ""))
	for _, key := range slices.Sorted(maps.Keys(t)) {
		number, word, _ := strings.Cut(key, ":")
		check(out.WriteFieldBegin(ctx, "", kindOf(word), int16(must(strconv.ParseInt(number, 10, 16)))))
		writeValue(ctx, out, kindOf(word), t[key])
		check(out.WriteFieldEnd(ctx))
	}
	check(out.WriteFieldStop(ctx))
	check(out.WriteStructEnd(ctx))
}

func writeValue(ctx context.Context, out thrift.TProtocol, kind thrift.TType, value any) {
	switch kind {
	case thrift.BOOL:
		check(out.WriteBool(ctx, value.(bool)))
	case thrift.BYTE:
		check(out.WriteByte(ctx, int8(value.(float64))))
	case thrift.I16:
		check(out.WriteI16(ctx, int16(value.(float64))))
	case thrift.I32:
		check(out.WriteI32(ctx, int32(value.(float64))))
	case thrift.I64:
		check(out.WriteI64(ctx, int64(value.(float64))))
	case thrift.DOUBLE:
		check(out.WriteDouble(ctx, value.(float64)))
	case thrift.STRING:
		check(out.WriteString(ctx, plain(value)))
	case thrift.STRUCT:
		writeTree(ctx, out, value.(tree))
	default:
		writeItems(ctx, out, kind, value.(tree))
	}
}

func writeItems(ctx context.Context, out thrift.TProtocol, kind thrift.TType, value tree) {
	items := value["items"].([]any)
	if kind == thrift.MAP {
		of := value["of"].([]any)
		check(out.WriteMapBegin(ctx, kindOf(of[0].(string)), kindOf(of[1].(string)), len(items)))
		for _, pair := range items {
			writeValue(ctx, out, kindOf(of[0].(string)), pair.([]any)[0])
			writeValue(ctx, out, kindOf(of[1].(string)), pair.([]any)[1])
		}
		check(out.WriteMapEnd(ctx))
		return
	}
	of := kindOf(value["of"].(string))
	if kind == thrift.SET {
		check(out.WriteSetBegin(ctx, of, len(items)))
	} else {
		check(out.WriteListBegin(ctx, of, len(items)))
	}
	for _, item := range items {
		writeValue(ctx, out, of, item)
	}
	if kind == thrift.SET {
		check(out.WriteSetEnd(ctx))
	} else {
		check(out.WriteListEnd(ctx))
	}
}

// texts is a list of texts as a tree.
func texts(all ...string) tree {
	items := []any{}
	for _, text := range all {
		if utf8.ValidString(text) {
			items = append(items, text)
		} else {
			items = append(items, tree{"base64": base64.StdEncoding.EncodeToString([]byte(text))})
		}
	}
	return tree{"of": "string", "items": items}
}

// read gives the texts of a tree that is a list.
func read(list any) []string {
	var all []string
	t, _ := list.(tree)
	items, _ := t["items"].([]any)
	for _, item := range items {
		all = append(all, plain(item))
	}
	return all
}

// plain is a text of a tree as it came; "" where there is none.
func plain(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case tree:
		return string(must(base64.StdEncoding.DecodeString(value["base64"].(string))))
	}
	return ""
}

// kept is what a Metastore was found to hold.
type kept struct {
	Origin    string       `json:"origin"`
	Date      string       `json:"date"`
	Catalogs  []string     `json:"catalogs"`
	Databases []*databased `json:"databases"`
	Unknown   tree         `json:"unknown"` // how it answers what it does not know
	None      tree         `json:"none"`    // and a database that is not there
}

type databased struct {
	Catalog  string            `json:"catalog"`
	Name     string            `json:"name"`
	Database tree              `json:"database"`
	Tables   map[string]*table `json:"tables"`
}

// table is one with what is asked of it.
type table struct {
	Table       tree  `json:"table"`
	Constraints tree  `json:"constraints"`
	Partitions  int32 `json:"partitions"`
}

func load(text []byte) *kept {
	k := &kept{}
	check(json.Unmarshal(text, k))
	return k
}
