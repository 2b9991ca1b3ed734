package web

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"net/http"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// maxPages is the number of pages unless the author says otherwise.
const maxPages = 100_000

// List says how a listing is read: where it begins, where its items stand in an
// answer and what follows a page.
type List struct {
	First Request
	Items []string // the keys that lead to the list in the answer; none when the answer is the list
	Next  Next     // nil: there is one page

	// MayLack: the source leaves the list out where it is empty. Otherwise an
	// answer without it is an error, so that nothing is taken for gone.
	MayLack bool

	// Whole: a page is read to its end before the first of its items is handed on.
	// It is for who asks for more with each item, so that no answer waits half read.
	Whole    bool
	MaxPages int // 100,000 when 0
}

// Page is one answer of a listing, once its items have been read.
type Page struct {
	Request Request
	Header  http.Header
	Rest    map[string]any // the answer without its items; numbers are json.Number
	Count   int            // of its items
}

// Next gives the request for the page that follows, or false after the last.
type Next func(Page) (Request, bool, error)

// Items reads a listing, page by page and item by item, without ever holding a
// page whole. It ends with an error where a page comes a second time, where an
// answer is half, and after too many pages: a listing that is cut is an error.
func Items[T any](ctx context.Context, c *Client, l List) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		r := &reading{client: c, list: l, seen: map[[sha256.Size]byte]bool{}}
		r.item = func(raw json.RawMessage) error {
			var item T
			if err := json.Unmarshal(raw, &item); err != nil {
				return c.noJSON(err, l.First, http.Header{})
			}
			if !yield(item, nil) {
				return errStopped
			}
			return nil
		}
		if err := r.all(ctx); err != nil && !errors.Is(err, errStopped) {
			var none T
			yield(none, err)
		}
	}
}

var errStopped = errors.New("the reader has stopped")

// reading is one pass over a listing.
type reading struct {
	client *Client
	list   List
	item   func(json.RawMessage) error
	seen   map[[sha256.Size]byte]bool // pages and requests
}

func (r *reading) all(ctx context.Context) error {
	most := r.list.MaxPages
	if most == 0 {
		most = maxPages
	}
	request := r.list.First
	for range most {
		if err := r.fresh(request.text(), request); err != nil {
			return err
		}
		page, err := r.page(ctx, request)
		if err != nil || r.list.Next == nil {
			return err
		}
		next, more, err := r.list.Next(page)
		if err != nil || !more {
			return err
		}
		request = next
	}
	return r.cut("http.too_many_pages", fmt.Sprintf("the listing of %s has more than %d pages", r.client.about(request), most), "narrow what is harvested")
}

func (r *reading) cut(code, message, fix string) error {
	return &sdk.Error{Class: sdk.ClassUnavailable, Code: code, Message: message, Fix: fix}
}

// fresh refuses what came before: a page or a request.
func (r *reading) fresh(sum [sha256.Size]byte, request Request) error {
	if r.seen[sum] {
		return r.cut("http.endless", "the listing of "+r.client.about(request)+" gives the same page again and does not end", "look whether the source pages as its version should, and what stands between souk and the source")
	}
	r.seen[sum] = true
	return nil
}

func (r Request) text() [sha256.Size]byte {
	return sha256.Sum256([]byte(r.method() + "\n" + r.Path + "\n" + r.URL + "\n" + r.Query.Encode() + "\n" + string(r.Body)))
}

// page reads one page.
func (r *reading) page(ctx context.Context, request Request) (Page, error) {
	answer, err := r.client.Stream(ctx, request)
	if err != nil {
		return Page{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	var held []json.RawMessage
	w := &walker{decoder: json.NewDecoder(answer.Body), item: r.item, sum: sha256.New()}
	if r.list.Whole {
		w.item = func(raw json.RawMessage) error {
			held = append(held, raw)
			return nil
		}
	}
	w.decoder.UseNumber()
	rest, err := w.walk(r.list.Items)
	if err == nil {
		err = w.ended()
	}
	switch {
	case err != nil:
		return Page{}, r.broken(ctx, err, request, answer.Header)
	case !w.found && !r.list.MayLack:
		return Page{}, r.client.noJSON(errNoList, request, http.Header{})
	}
	if w.count > 0 {
		if err := r.fresh([sha256.Size]byte(w.sum.Sum(nil)), request); err != nil {
			return Page{}, err
		}
	}
	for _, raw := range held {
		if err := r.item(raw); err != nil {
			return Page{}, err
		}
	}
	object, _ := rest.(map[string]any)
	return Page{Request: request, Header: answer.Header, Rest: object, Count: w.count}, nil
}

// broken tells what breaks while a page is read: the reader, the connection or
// the JSON.
func (r *reading) broken(ctx context.Context, err error, request Request, h http.Header) error {
	_, syntax := errors.AsType[*json.SyntaxError](err)
	_, shape := errors.AsType[*json.UnmarshalTypeError](err)
	_, ours := errors.AsType[*sdk.Error](err)
	switch {
	case ours || errors.Is(err, errStopped):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case syntax || shape || errors.Is(err, errNoList) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		return r.client.noJSON(err, request, h)
	}
	return r.client.explain(err, request)
}

var errNoList = errors.New("the answer has no list where one was to come")

// walker goes through an answer and hands on the items of the list in it.
type walker struct {
	decoder *json.Decoder
	item    func(json.RawMessage) error
	sum     hash.Hash // of the items
	count   int
	found   bool
}

// walk reads the value at which the decoder stands, and follows the keys to the
// list. It gives the value without the list.
func (w *walker) walk(keys []string) (any, error) {
	if len(keys) == 0 {
		return nil, w.items()
	}
	if opened, err := w.opens('{'); err != nil || !opened {
		return nil, err
	}
	rest := map[string]any{}
	for w.decoder.More() {
		token, err := w.decoder.Token()
		if err != nil {
			return nil, err
		}
		key, _ := token.(string)
		var value any
		if key == keys[0] && !w.found {
			value, err = w.walk(keys[1:])
		} else {
			err = w.decoder.Decode(&value)
		}
		if err != nil {
			return nil, err
		}
		rest[key] = value
	}
	_, err := w.decoder.Token()
	return rest, err
}

// opens reads the beginning of an object or of a list; a null is none.
func (w *walker) opens(want json.Delim) (bool, error) {
	token, err := w.decoder.Token()
	switch {
	case err != nil:
		return false, err
	case token == nil:
		return false, nil
	case token != want:
		return false, errNoList
	}
	return true, nil
}

func (w *walker) items() error {
	w.found = true
	if opened, err := w.opens('['); err != nil || !opened {
		return err
	}
	for w.decoder.More() {
		var raw json.RawMessage
		if err := w.decoder.Decode(&raw); err != nil {
			return err
		}
		w.count++
		_, _ = w.sum.Write(raw)
		if err := w.item(raw); err != nil {
			return err
		}
	}
	_, err := w.decoder.Token()
	return err
}

// ended wants nothing behind the answer.
func (w *walker) ended() error {
	switch _, err := w.decoder.Token(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	}
	return errNoList
}

// At finds a value by the keys that lead to it, or nil.
func At(object map[string]any, keys ...string) any {
	var value any = object
	for _, key := range keys {
		inner, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = inner[key]
	}
	return value
}

// textAt is the text or the number at a place of a page, or "".
func textAt(p Page, keys []string) string {
	switch value := At(p.Rest, keys...).(type) {
	case string:
		return value
	case json.Number:
		return strings.TrimSpace(value.String())
	}
	return ""
}
