// Command generate writes what the SDK in Python has of the wire: the description
// of its messages, and the records as dataclasses. It owns their form in Python
// and refuses to add anything to the wire.
package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"

	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

func main() {
	dir := "src/souk_plugin"
	if len(os.Args) > 1 {
		dir = os.Args[1]
	}
	wire, err := wireModule()
	if err == nil {
		err = errors.Join(put(dir+"/_wire.py", wire), put(dir+"/records.py", recordsModule()))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func put(path string, text []byte) error {
	return os.WriteFile(path, text, 0o600) //nolint:gosec // of this folder, or of a test's
}

const header = "# Written by sdk/python/generate from harvest.proto. Do not edit: go generate ./sdk/...\n"

// wireModule has the description of the messages, from which protobuf makes the
// classes: so no version of its compiler is asked for.
func wireModule() ([]byte, error) {
	described, err := proto.MarshalOptions{Deterministic: true}.Marshal(protodesc.ToFileDescriptorProto(harvestv1.File_harvest_proto))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.WriteString(header + `"""The messages of the wire."""

import base64
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

_FILE = base64.b64decode(
`)
	text := base64.StdEncoding.EncodeToString(described)
	for len(text) > 0 {
		n := min(len(text), 96)
		fmt.Fprintf(&out, "    %q\n", text[:n])
		text = text[n:]
	}
	out.WriteString(`)

_POOL = descriptor_pool.DescriptorPool()
_POOL.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
_POOL.AddSerializedFile(descriptor_pb2.FileDescriptorProto.FromString(_FILE).SerializeToString())


def message(name: str) -> Any:
    """The class of the message of that name."""
    return message_factory.GetMessageClass(_POOL.FindMessageTypeByName("souk.harvest.v1." + name))
`)
	fmt.Fprintf(&out, "\n\nVERSION = %d\nCOOKIE = (%q, %q)\nSERVE = %q\nMAX_CHECKPOINT = %d\n",
		harvestv1.Version, harvestv1.CookieKey, harvestv1.CookieValue, harvestv1.ServeArgument, harvestv1.MaxCheckpointBytes)
	fmt.Fprintf(&out, "MAX_WATERMARK = %d\nMAX_GONE = %d\nEXPIRED = %q\n", harvestv1.MaxWatermarkBytes, harvestv1.MaxGone, harvestv1.CodeExpired)
	return out.Bytes(), nil
}

// recordsModule has a dataclass for each message that a record is made of.
func recordsModule() []byte {
	var out bytes.Buffer
	out.WriteString(header + `"""What a harvest emits. Every field may be left out but those that name the record."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Dict, List, Optional, Union
`)
	var records []string
	seen := map[protoreflect.FullName]bool{}
	fields := (&harvestv1.Record{}).ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		m := fields.Get(i).Message()
		dataclass(&out, m, seen)
		records = append(records, string(m.Name()))
	}
	dataclass(&out, (&harvestv1.Note{}).ProtoReflect().Descriptor(), seen)
	fmt.Fprintf(&out, "\n\nRecord = Union[%s]\n", strings.Join(records, ", "))
	return out.Bytes()
}

func dataclass(out *bytes.Buffer, m protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) {
	if seen[m.FullName()] {
		return
	}
	seen[m.FullName()] = true
	fields := m.Fields()
	var lines []string
	for i := range fields.Len() {
		f := fields.Get(i)
		if below := f.Message(); below != nil && !f.IsMap() && below.FullName() != timestamp {
			dataclass(out, below, seen)
		}
		lines = append(lines, fmt.Sprintf("    %s: %s\n", nameOf(f), typeOf(f)))
	}
	fmt.Fprintf(out, "\n\n@dataclasses.dataclass(kw_only=True)\nclass %s:\n%s", m.Name(), strings.Join(lines, ""))
}

// nameOf is the name of the field; one that is a word of Python has a line after it.
func nameOf(f protoreflect.FieldDescriptor) string {
	if f.Name() == "from" {
		return "from_"
	}
	return string(f.Name())
}

const timestamp = "google.protobuf.Timestamp"

// typeOf is the type of the field in Python, with what it is when left out.
func typeOf(f protoreflect.FieldDescriptor) string {
	switch {
	case f.IsMap():
		return fmt.Sprintf("Dict[%s, %s] = dataclasses.field(default_factory=dict)", scalar(f.MapKey()), scalar(f.MapValue()))
	case f.IsList():
		return fmt.Sprintf("List[%s] = dataclasses.field(default_factory=list)", scalar(f))
	case f.Message() != nil, f.HasOptionalKeyword():
		return fmt.Sprintf("Optional[%s] = None", scalar(f))
	}
	return scalar(f) + " = " + map[string]string{"str": `""`, "int": "0", "float": "0.0", "bool": "False", "bytes": `b""`}[scalar(f)]
}

func scalar(f protoreflect.FieldDescriptor) string {
	if m := f.Message(); m != nil {
		if m.FullName() == timestamp {
			return "datetime.datetime"
		}
		return string(m.Name())
	}
	switch f.Kind() { //nolint:exhaustive // the rest are integers
	case protoreflect.StringKind:
		return "str"
	case protoreflect.BoolKind:
		return "bool"
	case protoreflect.BytesKind:
		return "bytes"
	case protoreflect.DoubleKind, protoreflect.FloatKind:
		return "float"
	}
	return "int"
}
