package model

import "time"

// Revision counts the writes of one record. Zero means "not stored yet", so a
// change that expects revision zero creates.
type Revision int64

// Meta is what every stored noun carries. The store fills Revision, CreatedAt
// and UpdatedAt; nobody else writes them.
type Meta struct {
	ID        ID        `json:"id"`
	Revision  Revision  `json:"-"`
	CreatedAt time.Time `json:"createdAt"`
	UpdatedAt time.Time `json:"updatedAt"`
}

// Head gives the store a handle on the record's identity.
func (m *Meta) Head() *Meta { return m }

// Noun is anything the store can keep.
type Noun interface{ Head() *Meta }

// PointerTo is the pointer of a noun's type, which is what has its methods:
// generic code that makes nouns of its own names both.
type PointerTo[T any] interface {
	*T
	Noun
}

// Now is the current time as Souk keeps it: UTC, cut to the millisecond,
// because one of the engines drops everything below that.
func Now() time.Time { return Instant(time.Now()) }

// Instant cuts t to the precision that both engines keep.
func Instant(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }
