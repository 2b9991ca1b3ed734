package main

import (
	"context"
	"net/url"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
)

// freight is the database of a small freight forwarder and a role that may
// look at its schemas.
type freight struct {
	*pgx.Conn
	t         *testing.T
	root      *pgx.Conn
	namespace string
	url       string // as the harvester uses it
}

const harvesterPassword = "canary-5d1f0c"

func newFreight(t *testing.T) *freight {
	t.Helper()
	address := os.Getenv("SOUK_TEST_POSTGRES_URL")
	if address == "" {
		missing(t, "SOUK_TEST_POSTGRES_URL", ".ci/postgres starts a server and prints it")
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal("SOUK_TEST_POSTGRES_URL is no URL")
	}
	f := &freight{t: t, root: dial(t, address), namespace: "postgres://" + u.Host}
	drop := func(ctx context.Context) {
		_, _ = f.root.Exec(ctx, "drop database if exists freight with (force)")
		_, _ = f.root.Exec(ctx, "drop role if exists souk_proof")
	}
	drop(t.Context())
	f.exec(f.root, "create database freight", "create role souk_proof login password '"+harvesterPassword+"'")
	u.Path = "/freight"
	f.Conn = dial(t, u.String())
	t.Cleanup(func() {
		ctx := context.Background()
		_ = f.Close(ctx)
		drop(ctx)
		_ = f.root.Close(ctx)
	})
	script, err := os.ReadFile("testdata/freight.sql")
	if err != nil {
		t.Fatal(err)
	}
	f.exec(f.Conn, string(script), `grant usage on schema ops, finance, raw, "Legacy CRM", public to souk_proof`)
	u.User = url.User("souk_proof")
	f.url = u.String()
	return f
}

func dial(tb testing.TB, address string) *pgx.Conn {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), address)
	if err != nil {
		tb.Fatal(err)
	}
	return conn
}

func (f *freight) exec(conn *pgx.Conn, statements ...string) {
	f.t.Helper()
	for _, q := range statements {
		if _, err := conn.Exec(f.t.Context(), q); err != nil {
			f.t.Fatalf("%.60s: %v", q, err)
		}
	}
}

func (f *freight) count(query string) int {
	f.t.Helper()
	var n int
	if err := f.QueryRow(f.t.Context(), query).Scan(&n); err != nil {
		f.t.Fatalf("%.60s: %v", query, err)
	}
	return n
}
