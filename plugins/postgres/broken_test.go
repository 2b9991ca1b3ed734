package postgres_test

import (
	"errors"
	"io"
	"net"
	"net/url"
	"testing"

	"github.com/souk-mesh/souk/sdk"
)

// TestAnswersThatBreakOff end the run at whatever byte, and nothing is called
// complete.
//
// Bad input: half an answer.
func TestAnswersThatBreakOff(t *testing.T) {
	s := newShop(t)
	u, err := url.Parse(s.config.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, after := range []int64{1, 400, 2_000, 8_000, 20_000} {
		c := s.config
		cut := *u
		cut.Host = cutting(t, u.Host, after)
		c.URL = cut.String()
		m := newMemory()
		err := open(t, c).Harvest(t.Context(), sdk.Request{}, m)
		if e, ok := errors.AsType[*sdk.Error](err); !ok || e.Class != sdk.ClassUnavailable || e.Fix == "" || len(m.done) != 0 {
			t.Errorf("after %d bytes: %v, done %v", after, err, m.done)
		}
	}
}

// cutting is an address that passes so many bytes of each connection of a server
// on, and then ends it.
func cutting(t *testing.T, server string, after int64) string {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer client.Close()
				var dialer net.Dialer
				there, err := dialer.DialContext(t.Context(), "tcp", server)
				if err != nil {
					return
				}
				defer there.Close()
				go func() { _, _ = io.Copy(there, client) }()
				_, _ = io.CopyN(client, there, after)
			}()
		}
	}()
	return l.Addr().String()
}
