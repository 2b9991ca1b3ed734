package mongo

import (
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/decisionlog/chain"
)

// rowDocument is a row as it lies in its collection.
type rowDocument struct {
	Seq       int64         `bson:"_id"`
	Segment   string        `bson:"segment"`
	ID        model.ID      `bson:"id"`
	At        int64         `bson:"at"`
	Principal model.ID      `bson:"principal"`
	Resource  model.ID      `bson:"resource"`
	Domain    model.Slug    `bson:"domain"`
	Action    model.Action  `bson:"action"`
	Outcome   model.Outcome `bson:"outcome"`
	Prev      []byte        `bson:"prev"`
	Hash      []byte        `bson:"hash"`
	Body      []byte        `bson:"body"`
	Full      bool          `bson:"full"` // its input is there
}

type inputDocument struct {
	Seq   int64  `bson:"_id"`
	Salt  []byte `bson:"salt"`
	Input []byte `bson:"input"`
}

func encodeRow(segment string, r chain.Row) rowDocument {
	k := r.Keys
	return rowDocument{
		Seq: r.Seq, Segment: segment, ID: k.ID, At: k.At, Principal: k.Principal, Resource: k.Resource, Domain: k.Domain,
		Action: k.Action, Outcome: k.Outcome, Prev: r.Prev[:], Hash: r.Hash[:], Body: r.Body, Full: r.Input != nil,
	}
}

func (d rowDocument) row() chain.Row {
	r := chain.Row{
		Seq:  d.Seq,
		Keys: chain.Keys{ID: d.ID, At: d.At, Principal: d.Principal, Resource: d.Resource, Domain: d.Domain, Action: d.Action, Outcome: d.Outcome},
		Body: d.Body,
	}
	copy(r.Prev[:], d.Prev)
	copy(r.Hash[:], d.Hash)
	return r
}

// segmentDocument is the head of a segment.
type segmentDocument struct {
	Name      string `bson:"_id"`
	First     int64  `bson:"first"`
	Base      []byte `bson:"base"`
	Seq       int64  `bson:"seq"`
	Hash      []byte `bson:"hash"`
	At        int64  `bson:"at"`
	Erased    int64  `bson:"erased"`
	Closed    bool   `bson:"closed"`
	Signature []byte `bson:"signature"`
}

func encodeSegment(s chain.Segment) segmentDocument {
	return segmentDocument{
		Name: s.Name, First: s.First, Base: s.Base[:], Seq: s.Seq, Hash: s.Hash[:], At: s.At.UnixMilli(),
		Erased: s.Erased, Closed: s.Closed, Signature: s.Signature,
	}
}

func (d segmentDocument) segment() chain.Segment {
	s := chain.Segment{Name: d.Name, First: d.First, Seq: d.Seq, At: time.UnixMilli(d.At).UTC(), Erased: d.Erased, Closed: d.Closed, Signature: d.Signature}
	copy(s.Base[:], d.Base)
	copy(s.Hash[:], d.Hash)
	return s
}

type markDocument struct {
	Day       string `bson:"_id"`
	Segment   string `bson:"segment"`
	Seq       int64  `bson:"seq"`
	Hash      []byte `bson:"hash"`
	At        int64  `bson:"at"`
	Signature []byte `bson:"signature"`
}

func encodeMark(m chain.Mark) markDocument {
	return markDocument{Day: m.Day, Segment: m.Segment, Seq: m.Seq, Hash: m.Hash[:], At: m.At.UnixMilli(), Signature: m.Signature}
}

func (d markDocument) mark() chain.Mark {
	m := chain.Mark{Day: d.Day, Segment: d.Segment, Seq: d.Seq, At: time.UnixMilli(d.At).UTC(), Signature: d.Signature}
	copy(m.Hash[:], d.Hash)
	return m
}
