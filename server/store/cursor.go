package store

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math"

	"github.com/souk-mesh/souk/graph/model"
)

// place is what a cursor says: which query it belongs to, and the key of the
// record just passed. It shows nothing that its holder has not seen, so it is
// not signed; a forged one only moves within the query that it is given to.
type place struct {
	Query uint64   `json:"q"`
	Keys  Values   `json:"k"` // of the paths that the query does not fix
	ID    model.ID `json:"i"`
}

func (p place) cursor() Cursor {
	written, _ := json.Marshal(p) // strings, integers and bools always marshal
	return Cursor(base64.RawURLEncoding.EncodeToString(written))
}

var errDamaged = errors.New("damaged")

// parse reads a cursor.
func (c Cursor) parse() (place, error) {
	var p place
	written, err := base64.RawURLEncoding.Strict().DecodeString(string(c))
	if err != nil {
		return p, errDamaged
	}
	if err := json.Unmarshal(written, &p); err != nil || p.ID == "" || p.Query == 0 {
		return p, errDamaged
	}
	return p, nil
}

// decode reads the cursor as a place in the query with the fingerprint.
func (c Cursor) decode(query uint64, n int) (place, error) {
	p, err := c.parse()
	switch {
	case err != nil:
		return p, &model.Error{
			Kind: model.KindBadCursor, Field: "after", Message: "this is no cursor",
			Hint: "pass a cursor exactly as a page gave it, or leave it out to begin at the first page",
		}
	case p.Query != query || len(p.Keys) != n:
		return p, &model.Error{
			Kind: model.KindBadCursor, Field: "after", Message: "the cursor belongs to another list",
			Hint: "keep filter and order while you page, or leave the cursor out to begin at the first page",
		}
	}
	return p, nil
}

// fingerprint tells queries apart whose cursors must not be mixed.
func fingerprint(q Query, where Filter) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%q %q %v ", q.Kind, q.Index, q.Desc) // a hash never fails to be written
	_ = json.NewEncoder(h).Encode(where)
	return h.Sum64()&math.MaxInt64 | 1 // never zero
}
