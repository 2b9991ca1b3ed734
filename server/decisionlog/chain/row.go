// Package chain is the ground of the decision log: rows that are linked by
// their hashes, segments whose heads are signed, and the port that an engine
// serves. It owns what a hash and a signature speak of. It keeps nothing and
// knows no policy.
package chain

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
)

// Hash is a SHA-256 sum.
type Hash [sha256.Size]byte

// String writes the sum as text.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText writes the sum as text.
func (h Hash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText reads what MarshalText wrote.
func (h *Hash) UnmarshalText(text []byte) error {
	sum, err := hex.DecodeString(string(text))
	if err == nil && len(sum) != len(h) {
		err = hex.ErrLength
	}
	copy(h[:], sum)
	return err
}

// Keys are the values of a row that a reader can ask for. They repeat what the
// body says, and a row whose keys say something else is a forgery.
type Keys struct {
	ID        model.ID
	At        int64 // milliseconds since 1970
	Principal model.ID
	Resource  model.ID
	Domain    model.Slug
	Action    model.Action
	Outcome   model.Outcome
}

// Entry is a decision on its way into the log. Body is what the row will say
// for good, a JSON object without its opening brace; the input can be erased.
type Entry struct {
	Keys  Keys
	Body  []byte
	Salt  []byte
	Input []byte
}

// Row is a decision at its place in the log.
type Row struct {
	Seq   int64
	Prev  Hash // of the row before it
	Hash  Hash
	Keys  Keys
	Body  []byte
	Salt  []byte // nil when the input was erased, or never was
	Input []byte
}

// Sum is the hash that a row with this body has after the row with the hash prev.
func Sum(prev Hash, body []byte) Hash {
	h := sha256.New()
	h.Write(prev[:])
	h.Write(body)
	return Hash(h.Sum(nil))
}

// SumInput is the hash by which the body speaks of the input. The salt goes
// when the input goes, so that nobody can guess what was erased.
func SumInput(salt, input []byte) Hash {
	h := sha256.New()
	h.Write(salt)
	h.Write(input)
	return Hash(h.Sum(nil))
}

// Filter narrows the rows that are read; empty fields do not.
type Filter struct {
	Principal model.ID
	Resource  model.ID
	Domain    model.Slug
	Actions   []model.Action
	Outcome   model.Outcome
	From, To  int64 // From <= at < To, in milliseconds since 1970; 0 leaves a side open
	WithInput bool  // only rows that still have their input
}

// Query asks one segment for rows.
type Query struct {
	Segment string
	Filter  Filter
	After   int64 // the row already seen; 0 begins
	Desc    bool  // the newest first
	Limit   int
}

// Matches reports whether a row with the keys meets the filter; what it says
// of inputs is for the engine to judge.
func (f Filter) Matches(k Keys) bool {
	return (f.Principal == "" || f.Principal == k.Principal) && (f.Resource == "" || f.Resource == k.Resource) &&
		(f.Domain == "" || f.Domain == k.Domain) && (f.Outcome == "" || f.Outcome == k.Outcome) &&
		(len(f.Actions) == 0 || slices.Contains(f.Actions, k.Action)) &&
		(f.From == 0 || k.At >= f.From) && (f.To == 0 || k.At < f.To)
}
