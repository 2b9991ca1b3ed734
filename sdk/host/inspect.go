package host

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/souk-mesh/souk/sdk/internal/secret"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// inspecting reads messages, and looks at those that carry records before they
// unfold in memory: a message of 1 MiB may hold a million empty ones. What it
// finds is kept, since gRPC passes only the text of an error on.
type inspecting struct {
	secrets secret.Set
	shapes  map[protoreflect.FullName]shape // of the messages met so far
	suspect bool                            // the last event holds a secret somewhere
	records [][]byte                        // of the last event, which is a batch and has none itself
	problem *Failure
}

// Name is that of gRPC's own codec, which this one stands in for.
func (*inspecting) Name() string { return "proto" }

// Marshal writes a message.
func (*inspecting) Marshal(v any) ([]byte, error) {
	m, ok := v.(proto.Message)
	if !ok {
		return nil, errNoMessage
	}
	return proto.Marshal(m)
}

// Unmarshal reads a message.
func (c *inspecting) Unmarshal(data []byte, v any) error {
	m, ok := v.(proto.Message)
	if !ok {
		return errNoMessage
	}
	if e, event := v.(*harvestv1.HarvestEvent); event {
		if c.problem = c.inspect(data); c.problem != nil {
			return c.problem
		}
		return c.read(data, e)
	}
	return proto.Unmarshal(data, m)
}

// read reads an event. The records of a batch stay as they came: those that the
// handler knows need not be unfolded.
func (c *inspecting) read(data []byte, e *harvestv1.HarvestEvent) error {
	var ok bool
	if c.records, ok = recordsIn(data, e); ok {
		return nil
	}
	if err := proto.Unmarshal(data, e); err != nil {
		return err
	}
	for _, r := range e.GetBatch().GetRecords() {
		record, err := proto.Marshal(r)
		if err != nil {
			return err
		}
		c.records = append(c.records, record)
	}
	return nil
}

// recordsIn reads an event that is a batch and nothing else, as nearly all are.
func recordsIn(event []byte, into *harvestv1.HarvestEvent) (records [][]byte, ok bool) {
	field, kind, n := protowire.ConsumeTag(event)
	if n < 0 || field != eventBatch || kind != protowire.BytesType {
		return nil, false
	}
	message, rest := protowire.ConsumeBytes(event[n:])
	if rest < 0 || n+rest != len(event) {
		return nil, false
	}
	batch := &harvestv1.Batch{}
	for len(message) > 0 {
		field, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return nil, false
		}
		length := protowire.ConsumeFieldValue(field, kind, message[n:])
		if length < 0 {
			return nil, false
		}
		value := message[n : n+length]
		switch {
		case field == batchRecords && kind == protowire.BytesType:
			record, _ := protowire.ConsumeBytes(value)
			records = append(records, record)
		case field == batchSeq && kind == protowire.VarintType:
			batch.Seq, _ = protowire.ConsumeVarint(value)
		}
		message = message[n+length:]
	}
	into.Event = &harvestv1.HarvestEvent_Batch{Batch: batch}
	return records, true
}

var errNoMessage = errors.New("a message has an unknown type")

// The fields of the wire at which records and their fields are counted.
const (
	eventBatch      = 1
	eventCheckpoint = 2
	eventWatermark  = 10
	batchRecords    = 1
	batchSeq        = 2
	recordAsset     = 1
	recordEdge      = 2
	recordQuality   = 3
	assetFields     = 9
)

func (c *inspecting) inspect(event []byte) *Failure {
	c.suspect = false
	for field, value := range parts(event) {
		secret := c.secrets.In(value)
		if (field == eventCheckpoint || field == eventWatermark) && secret {
			return broken("secret_in_record", "the plugin sends the value of a secret as if it were a state to begin at",
				"report it to the author of the plugin: it must leave out connection strings and settings; and change the secret")
		}
		c.suspect = c.suspect || field == eventBatch && secret
		if field != eventBatch {
			continue
		}
		if n := count(value, batchRecords); n > harvestv1.MaxBatchRecords {
			return protocolError("a batch holds %d records, and %d is the limit", n, harvestv1.MaxBatchRecords)
		}
		for field, record := range parts(value) {
			if n := count(assetOf(record), assetFields); field == batchRecords && n > harvestv1.MaxFields {
				return protocolError("an asset has %d fields, and %d is the limit", n, harvestv1.MaxFields)
			}
		}
	}
	if room := c.unfold((*harvestv1.HarvestEvent)(nil).ProtoReflect().Descriptor(), event, harvestv1.MaxParts); room < 0 {
		return protocolError("a batch holds more than %d parts, such as columns and their properties", harvestv1.MaxParts)
	}
	return nil
}

// shape tells which fields of a message are messages.
type shape map[protowire.Number]protoreflect.MessageDescriptor

func (c *inspecting) shape(of protoreflect.MessageDescriptor) shape {
	if s, known := c.shapes[of.FullName()]; known {
		return s
	}
	s := shape{}
	for i := range of.Fields().Len() {
		if f := of.Fields().Get(i); f.Message() != nil {
			s[f.Number()] = f.Message()
		}
	}
	if c.shapes == nil {
		c.shapes = map[protoreflect.FullName]shape{}
	}
	c.shapes[of.FullName()] = s
	return s
}

// unfold counts the messages within a message, at any depth, and gives what is
// left of the room for them; below zero it has stopped counting.
func (c *inspecting) unfold(of protoreflect.MessageDescriptor, message []byte, room int) int {
	shape := c.shape(of)
	if len(shape) == 0 {
		return room
	}
	for field, value := range parts(message) {
		if within := shape[field]; within != nil {
			if room = c.unfold(within, value, room-1); room < 0 {
				return room
			}
		}
	}
	return room
}

func assetOf(record []byte) []byte {
	for field, value := range parts(record) {
		if field == recordAsset {
			return value
		}
	}
	return nil
}

func count(message []byte, wanted protowire.Number) int {
	n := 0
	for field := range parts(message) {
		if field == wanted {
			n++
		}
	}
	return n
}

// parts gives the fields of a message that have a length, until it ends or is broken.
func parts(message []byte) func(yield func(protowire.Number, []byte) bool) {
	return func(yield func(protowire.Number, []byte) bool) {
		for len(message) > 0 {
			field, kind, n := protowire.ConsumeTag(message)
			if n < 0 {
				return
			}
			message = message[n:]
			if n = protowire.ConsumeFieldValue(field, kind, message); n < 0 {
				return
			}
			if kind == protowire.BytesType {
				value, _ := protowire.ConsumeBytes(message)
				if !yield(field, value) {
					return
				}
			}
			message = message[n:]
		}
	}
}
