package postgres

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// converter brings the texts of a database of another encoding to UTF-8. The
// server converts, many at once; where one of them cannot be converted the
// rest still are.
type converter struct {
	tx       pgx.Tx
	encoding string            // of the server
	known    map[string]string // what is not ASCII, as it is stored and in UTF-8
}

func newConverter(tx pgx.Tx, encoding string) *converter {
	return &converter{tx: tx, encoding: encoding, known: map[string]string{}}
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
}

// learn converts the texts. Afterwards name and text know them.
func (c *converter) learn(ctx context.Context, texts []string) error {
	if c.encoding == "UTF8" {
		return nil
	}
	texts = slices.DeleteFunc(texts, isASCII)
	slices.Sort(texts)
	texts = slices.Compact(texts)
	if c.encoding == "SQL_ASCII" { // bytes of which the server knows nothing: often they are UTF-8
		for _, text := range texts {
			if utf8.ValidString(text) {
				c.known[text] = text
			}
		}
		return nil
	}
	return c.ask(ctx, texts)
}

// ask lets the server convert, and halves the list where that fails.
func (c *converter) ask(ctx context.Context, texts []string) error {
	if len(texts) == 0 {
		return nil
	}
	converted, err := c.convert(ctx, texts)
	fault, ofServer := errors.AsType[*pgconn.PgError](err)
	switch {
	case err == nil:
		for i, text := range texts {
			c.known[text] = converted[i]
		}
		return nil
	case !ofServer:
		return err
	case fault.Code == "42883", fault.Code == "0A000", len(texts) == 1 && strings.HasPrefix(fault.Code, "22"):
		return nil // the server knows no way from this encoding, or for this text
	case !strings.HasPrefix(fault.Code, "22"):
		return err
	}
	return errors.Join(c.ask(ctx, texts[:len(texts)/2]), c.ask(ctx, texts[len(texts)/2:]))
}

// convert has a savepoint of its own, so that a failure leaves the snapshot be.
func (c *converter) convert(ctx context.Context, texts []string) ([]string, error) {
	stored := make([][]byte, len(texts))
	for i, text := range texts {
		stored[i] = []byte(text)
	}
	inner, err := c.tx.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = inner.Rollback(context.WithoutCancel(ctx)) }()
	found, err := inner.Query(ctx, `select convert(u.text, $2::text::name, 'UTF8') from unnest($1::bytea[]) with ordinality u(text, place) order by u.place`, stored, c.encoding)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, func(row pgx.CollectableRow) (string, error) {
		var text []byte
		err := row.Scan(&text)
		return string(text), err
	})
}

// name gives a name in UTF-8, and false where it cannot be told.
func (c *converter) name(stored *string) bool {
	if c.encoding == "UTF8" || isASCII(*stored) {
		return true
	}
	converted, ok := c.known[*stored]
	if ok {
		*stored = converted
	}
	return ok
}

// names does so for all.
func (c *converter) names(stored ...*string) bool {
	ok := true
	for _, s := range stored {
		ok = c.name(s) && ok
	}
	return ok
}

// text gives a text for people in UTF-8; what cannot be told shows as such.
func (c *converter) text(stored *string) {
	if !c.name(stored) {
		*stored = legible(*stored)
	}
}

// legible marks the bytes that cannot be told.
func legible(stored string) string {
	return strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf {
			return utf8.RuneError
		}
		return r
	}, stored)
}
