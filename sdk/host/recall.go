package host

import (
	"crypto/sha256"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"

	"github.com/souk-mesh/souk/sdk"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// Print is a hash of a record as it came over the wire, and of what the handler
// says that its meaning hangs on. The zero value stands for a record that cannot
// be known again.
type Print [16]byte

// Recaller is a Handler that knows records again. What it knows is not unfolded,
// looked into or handed on any more: its bytes are those that were, when they
// were handed on as they had come.
type Recaller interface {
	Handler

	// Seed is hashed with every record: where it is another one, nothing is known.
	Seed() []byte

	// Recall tells which records of a batch are as the handler knows them. It
	// takes those as if they had been handed on.
	Recall(prints []Print) (known []bool, err error)

	// Printed takes the others, in the place of Records, each with its print.
	Printed(records []sdk.Record, prints []Print) error
}

// recalling is a Recaller at work.
type recalling struct {
	Recaller

	seed []byte
}

// recallerOf gives what knows records again, or nil. The shape of the wire is
// part of every print: a host that reads more of a record than the one before
// it has to read all of them again.
func recallerOf(h Handler) *recalling {
	recaller, ok := h.(Recaller)
	if !ok {
		return nil
	}
	wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(protodesc.ToFileDescriptorProto(harvestv1.File_harvest_proto))
	if err != nil {
		return nil // all is read in full
	}
	seed := sha256.Sum256(append(wire, recaller.Seed()...))
	return &recalling{recaller, seed[:]}
}

func (r *recalling) print(record []byte) (p Print) {
	h := sha256.New()
	_, _ = h.Write(r.seed) // never fails
	_, _ = h.Write(record)
	copy(p[:], h.Sum(nil))
	return p
}

// came is a record as it came.
type came struct {
	bytes []byte
	print Print
}

// fresh gives the records that the handler does not know, and counts the others.
// In whatever a secret of this run may stand, is never taken for known.
func (r *receiver) fresh(records [][]byte) ([]came, error) {
	all := make([]came, len(records))
	for i, record := range records {
		all[i].bytes = record
	}
	if r.recaller == nil {
		return all, nil
	}
	prints := make([]Print, len(records))
	for i, record := range records {
		if !r.secrets.Near(record) {
			prints[i] = r.recaller.print(record)
			all[i].print = prints[i]
		}
	}
	known, err := r.recaller.Recall(prints)
	if err != nil {
		return nil, err
	}
	fresh := all[:0]
	for i, one := range all {
		if i < len(known) && known[i] && one.print != (Print{}) {
			r.countBytes(one.bytes)
			continue
		}
		fresh = append(fresh, one)
	}
	return fresh, nil
}

func (r *receiver) countBytes(record []byte) {
	field, _, _ := protowire.ConsumeTag(record)
	if n := map[protowire.Number]*int64{recordAsset: &r.result.Assets, recordEdge: &r.result.Edges, recordQuality: &r.result.Quality}[field]; n != nil {
		*n++
	}
}
