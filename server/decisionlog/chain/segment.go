package chain

import (
	"crypto/ed25519"
	"fmt"
	"time"
)

// Segment is a stretch of the log, one a month, with its head. The head is
// signed anew with every commit, so that rows cannot be cut off unseen.
type Segment struct {
	Name      string    `json:"name"`  // 2026-11
	First     int64     `json:"first"` // its first row
	Base      Hash      `json:"base"`  // the hash of the last row of the segment before
	Seq       int64     `json:"seq"`   // its last row
	Hash      Hash      `json:"hash"`  // of that row
	At        time.Time `json:"at"`    // when that row was written
	Erased    int64     `json:"erased"`
	Closed    bool      `json:"closed"`
	Signature []byte    `json:"signature"`
}

// Mark is the head of the log at the end of a day, signed.
type Mark struct {
	Day       string    `json:"day"` // 2026-11-25
	Segment   string    `json:"segment"`
	Seq       int64     `json:"seq"`
	Hash      Hash      `json:"hash"`
	At        time.Time `json:"at"`
	Signature []byte    `json:"signature"`
}

func (s Segment) statement() []byte {
	return fmt.Appendf(nil, "souk decision log, segment, v1\n%s\n%d\n%s\n%d\n%s\n%d\n%d\n%t\n", s.Name, s.First, s.Base, s.Seq, s.Hash, s.At.UnixMilli(), s.Erased, s.Closed)
}

func (m Mark) statement() []byte {
	return fmt.Appendf(nil, "souk decision log, day, v1\n%s\n%s\n%d\n%s\n%d\n", m.Day, m.Segment, m.Seq, m.Hash, m.At.UnixMilli())
}

// Sign signs the head as it stands.
func (s *Segment) Sign(key ed25519.PrivateKey) { s.Signature = ed25519.Sign(key, s.statement()) }

// Sign signs the mark.
func (m *Mark) Sign(key ed25519.PrivateKey) { m.Signature = ed25519.Sign(key, m.statement()) }

// Signed reports whether the head is what the holder of the key signed.
func (s Segment) Signed(key ed25519.PublicKey) bool {
	return ed25519.Verify(key, s.statement(), s.Signature)
}

// Signed reports whether the mark is what the holder of the key signed.
func (m Mark) Signed(key ed25519.PublicKey) bool {
	return ed25519.Verify(key, m.statement(), m.Signature)
}

// Rows counts the rows of the segment.
func (s Segment) Rows() int64 { return s.Seq - s.First + 1 }

// Link gives the entries their places after the head and moves the head on.
func (s *Segment) Link(entries []Entry, at time.Time) []Row {
	rows := make([]Row, len(entries))
	for i, e := range entries {
		s.Seq++
		body := append(fmt.Appendf(make([]byte, 0, len(e.Body)+24), `{"seq":%d,`, s.Seq), e.Body...)
		rows[i] = Row{Seq: s.Seq, Prev: s.Hash, Hash: Sum(s.Hash, body), Keys: e.Keys, Body: body, Salt: e.Salt, Input: e.Input}
		s.Hash = rows[i].Hash
	}
	if len(rows) > 0 {
		s.At = at
	}
	return rows
}
