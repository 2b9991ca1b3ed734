package kafka

import (
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/reporter"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/souk-mesh/souk/plugins/internal/document"
)

// protobuf reads the messages of one file.
type protobuf struct {
	open map[protoreflect.FullName]bool
	*budget
}

// main is the name of the file that a schema is; those that it imports have
// names of their own.
const mainFile = "souk main.proto"

// readProtobuf reads the first message of a file: a record says in its own bytes
// which message of the file it is, and no record is read here.
func readProtobuf(text string, imports map[string]string) (*content, error) {
	files := map[string]string{mainFile: text}
	maps.Copy(files, imports)
	c := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(protocompile.ResolverFunc(func(path string) (protocompile.SearchResult, error) { return resultOf(files, path) })),
		SourceInfoMode: protocompile.SourceInfoStandard, MaxParallelism: 1,
		Reporter: reporter.NewReporter(func(err reporter.ErrorWithPos) error { return err }, nil),
	}
	compiled, err := c.Compile(context.Background(), mainFile)
	if err != nil {
		return nil, errors.New("the schema is no Protobuf, or refers to files that the registry does not name")
	}
	messages := compiled[0].Messages()
	if messages.Len() == 0 {
		return nil, errors.New("the schema has no message")
	}
	p := &protobuf{open: map[protoreflect.FullName]bool{}, budget: newBudget()}
	first := messages.Get(0)
	out := &content{language: "protobuf", name: string(first.FullName()), description: commentOf(first), root: field("")}
	p.message(out.root, first, 0)
	return out, nil
}

// resultOf finds a file, also one that a registry keeps in its binary form.
func resultOf(files map[string]string, path string) (protocompile.SearchResult, error) {
	text, has := files[path]
	if !has {
		return protocompile.SearchResult{}, errors.New("not there")
	}
	if binary, err := base64.StdEncoding.DecodeString(text); err == nil && len(binary) > 0 {
		var d descriptorpb.FileDescriptorProto
		if proto.Unmarshal(binary, &d) == nil && len(d.GetMessageType()) > 0 {
			d.Name = new(path)
			return protocompile.SearchResult{Proto: &d}, nil
		}
	}
	return protocompile.SearchResult{Source: strings.NewReader(text)}, nil
}

func (p *protobuf) message(f *document.Field, m protoreflect.MessageDescriptor, depth int) {
	f.NativeType = "message"
	if known := wellKnown(m.FullName()); known != "" {
		f.NativeType = known
		return
	}
	if p.open[m.FullName()] || depth >= maxDepth {
		return
	}
	p.open[m.FullName()] = true
	defer delete(p.open, m.FullName())
	for i := range m.Fields().Len() {
		d := m.Fields().Get(i)
		if !p.spend() {
			return
		}
		below := field(string(d.Name()))
		below.Description = commentOf(d)
		below.Nullable = d.Cardinality() == protoreflect.Optional && (d.HasPresence() || d.ContainingOneof() != nil)
		p.value(below, d, depth+1)
		f.Fields = append(f.Fields, below)
	}
}

func (p *protobuf) value(f *document.Field, d protoreflect.FieldDescriptor, depth int) {
	if d.IsMap() {
		inner := field("")
		p.single(inner, d.MapValue(), depth)
		f.NativeType, f.Fields = "map<"+d.MapKey().Kind().String()+", "+inner.NativeType+">", inner.Fields
		return
	}
	p.single(f, d, depth)
	if d.IsList() {
		f.NativeType, f.Nullable = "repeated "+f.NativeType, false
	}
	if d.HasDefault() {
		f.Default = d.Default().String()
	}
}

func (p *protobuf) single(f *document.Field, d protoreflect.FieldDescriptor, depth int) {
	switch d.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		p.message(f, d.Message(), depth)
	case protoreflect.EnumKind:
		f.NativeType = "enum"
		for i := range d.Enum().Values().Len() {
			f.Values = append(f.Values, string(d.Enum().Values().Get(i).Name()))
		}
	default:
		f.NativeType = d.Kind().String()
	}
}

// wellKnown are the messages that stand for a value.
func wellKnown(name protoreflect.FullName) string {
	if short, ok := strings.CutPrefix(string(name), "google.protobuf."); ok {
		return short
	}
	return ""
}

func commentOf(d protoreflect.Descriptor) string {
	return strings.TrimSpace(d.ParentFile().SourceLocations().ByDescriptor(d).LeadingComments)
}
