package kafka

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/souk-mesh/souk/plugins/internal/document"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// FuzzContent gives texts of strangers for schemas: nothing panics or goes on
// for ever, and no field is without a name.
func FuzzContent(f *testing.F) {
	for _, seed := range [][2]string{
		{"AVRO", `{"type":"record","name":"A","fields":[{"name":"a","type":["null","A",{"type":"map","values":"B"}]}]}`},
		{"AVRO", "string"},
		{"JSON", `{"$ref":"#/definitions/a","definitions":{"a":{"allOf":[{"$ref":"#"},{"properties":{"x":{"enum":[1,null]}}}]}}}`},
		{"JSON", "true"},
		{"JSON", `{"type":"array","items":[{"type":"string"}],"additionalProperties":{"$ref":"other.json#/x"}}`},
		{"PROTOBUF", `syntax = "proto2"; message M { optional group G = 1 { required int32 a = 1 [default = 7]; } extensions 100 to 200; }`},
		{"PROTOBUF", ""},
		{"THRIFT", "x"},
	} {
		f.Add(seed[0], seed[1], seed[1])
	}
	f.Fuzz(func(t *testing.T, kind, text, other string) {
		c, err := contentOf(kind, text, map[string]string{"B": other, "other.json": other, "other.proto": other})
		if err != nil {
			if c != nil || strings.Contains(err.Error(), "\n") {
				t.Fatalf("%v with %v", err, c)
			}
			return
		}
		clean(c.root)
		fields, _ := document.Flatten(c.root.Fields)
		for i, one := range fields {
			if one.Name == "" || one.Position != i+1 || len(fields) > harvestv1.MaxFields {
				t.Fatalf("field %d of %d is %+v", i, len(fields), one)
			}
		}
	})
}

// TestSchemasThatGrow: each type holds the next one ten times over, which would
// make ten thousand million fields.
//
// Bad input: 5,000 columns.
func TestSchemasThatGrow(t *testing.T) {
	var avro, shape, message strings.Builder
	for level := range 10 {
		fmt.Fprintf(&message, "message L%d {", level)
		fmt.Fprintf(&avro, `{"name":"f%d","type":{"type":"record","name":"L%d","fields":[`, level, level)
		fmt.Fprintf(&shape, `"L%d":{"properties":{`, level)
		for n := range 10 {
			fmt.Fprintf(&message, "L%d f%d = %d; ", level+1, n, n+1)
			fmt.Fprintf(&shape, `"f%d":{"$ref":"#/definitions/L%d"},`, n, level+1)
		}
		message.WriteString("}\n")
		shape.WriteString(`"z":{}}},`)
	}
	for level := 9; level >= 0; level-- {
		avro.WriteString(`{"name":"x","type":"int"}`)
		for n := range 10 {
			if level < 9 {
				fmt.Fprintf(&avro, `,{"name":"g%d","type":"L%d"}`, n, level+1)
			}
		}
		avro.WriteString(`]}}`)
		if level > 0 {
			avro.WriteString(",")
		}
	}
	for kind, text := range map[string]string{
		"AVRO": `{"type":"record","name":"Root","fields":[` + avro.String() + `]}`,
		"JSON": `{"$ref":"#/definitions/L0","definitions":{` + shape.String() + `"L10":{"type":"string"}}}`, "PROTOBUF": `syntax = "proto3"; ` + message.String() + `message L10 {}`,
	} {
		c, err := contentOf(kind, text, nil)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if fields, cut := document.Flatten(c.root.Fields); !cut || len(fields) != harvestv1.MaxFields {
			t.Errorf("%s: %d fields, cut: %t", kind, len(fields), cut)
		}
	}
}

func TestProtobufImports(t *testing.T) {
	number := int32(1)
	binary, err := proto.Marshal(&descriptorpb.FileDescriptorProto{
		Name: new("other.proto"), Syntax: new("proto3"), MessageType: []*descriptorpb.DescriptorProto{{
			Name: new("Kept"), Field: []*descriptorpb.FieldDescriptorProto{{Name: new("inner"), Number: &number, Type: descriptorpb.FieldDescriptorProto_TYPE_STRING.Enum(), Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum()}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := contentOf("PROTOBUF", `syntax = "proto3"; import "other.proto"; import "google/type/none.proto"; message M { Kept kept = 1; }`, map[string]string{"other.proto": base64.StdEncoding.EncodeToString(binary)})
	if err == nil {
		t.Fatalf("a file that nobody names is imported: %v", c)
	}
	c, err = contentOf("PROTOBUF", `syntax = "proto3"; import "other.proto"; message M { Kept kept = 1; }`, map[string]string{"other.proto": base64.StdEncoding.EncodeToString(binary)})
	if err != nil {
		t.Fatal(err)
	}
	if fields, _ := document.Flatten(c.root.Fields); len(fields) != 2 || fields[1].Name != "kept.inner" {
		t.Errorf("of a file in its binary form: %v", fields)
	}
	// Another schema may have a message of the same name, also one that it imports.
	for _, text := range []string{`syntax = "proto3"; message M { int32 other = 1; }`, `syntax = "proto3"; package p; import "other.proto"; message M { Kept a = 1; message Kept { int32 b = 1; } }`} {
		if c, err := contentOf("PROTOBUF", text, map[string]string{"other.proto": `syntax = "proto3"; message Kept {}`}); err != nil || len(c.root.Fields) != 1 {
			t.Errorf("%s: %v", text, err)
		}
	}
}
