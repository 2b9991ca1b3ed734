package catalog

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"iter"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/catalog/index"
	"github.com/souk-mesh/souk/server/store"
)

// walk is the All of a typed table.
type walk[T any] func(context.Context, store.Store, store.Query) iter.Seq2[T, error]

// place is a position in a list that is ordered here and not by the store:
// the best score first, then by name. It shows nothing that its holder has not seen.
type place struct {
	Query uint64 `json:"q"`
	index.Place
}

func (p place) cursor() string {
	text, _ := json.Marshal(p) // strings and finite numbers always marshal
	return base64.RawURLEncoding.EncodeToString(text)
}

// fingerprint tells lists apart whose cursors must not be mixed.
func fingerprint(list string, of any) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%s %#v", list, of) // a hash never fails to be written
	return h.Sum64() >> 1
}

// placeOf reads the cursor of a list; "" is none.
func placeOf(cursor string, of uint64) (*index.Place, error) {
	if cursor == "" {
		return nil, nil //nolint:nilnil // before the first there is no place
	}
	var at place
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(text, &at)
	}
	if err != nil || at.ID == "" {
		return nil, badCursor("this is no cursor", "pass a cursor exactly as a page gave it, or leave it out to begin at the first page")
	}
	if at.Query != of {
		return nil, badCursor("the cursor belongs to another list", "keep the filter while you page, or leave the cursor out to begin at the first page")
	}
	return &at.Place, nil
}

func badCursor(message, hint string) error {
	return &model.Error{Kind: model.KindBadCursor, Field: "after", Message: message, Hint: hint}
}
