package postgres_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-mesh/souk/plugins/postgres"
	"github.com/souk-mesh/souk/sdk"
)

// thief is a server of a few lines that asks everybody for their password as
// it is, and keeps what it hears.
type thief struct {
	port  string
	pem   string
	offer byte // the answer to the wish for TLS: S or N
	cert  tls.Certificate

	mu    sync.Mutex
	heard bytes.Buffer
}

func newThief(t *testing.T, offer byte, names ...string) *thief {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	s := &thief{port: port, offer: offer}
	s.cert, s.pem = certificate(t, names)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go s.serve(conn)
		}
	}()
	return s
}

func certificate(t *testing.T, names []string) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "thief"}, NotAfter: time.Now().Add(time.Hour),
		DNSNames: names, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// serve asks for the password in clear text, and writes down the answer.
func (s *thief) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	first := make([]byte, 8)
	if _, err := io.ReadFull(conn, first); err != nil {
		return
	}
	if bytes.Equal(first, []byte{0, 0, 0, 8, 4, 210, 22, 47}) {
		_, _ = conn.Write([]byte{s.offer})
		if s.offer == 'S' {
			conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{s.cert}})
		}
		if _, err := io.ReadFull(conn, first); err != nil {
			return
		}
	}
	rest := make([]byte, int(first[2])<<8+int(first[3])-8)
	if _, err := io.ReadFull(conn, rest); err != nil {
		return
	}
	_, _ = conn.Write([]byte{'R', 0, 0, 0, 8, 0, 0, 0, 3})
	answer := make([]byte, 200)
	n, _ := conn.Read(answer)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard.Write(answer[:n])
}

func (s *thief) stole() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(s.heard.String(), "canary")
}

// TestNobodyIsGivenThePassword tries every transport against a server that
// wants the password; only an administrator's word lets it go.
func TestNobodyIsGivenThePassword(t *testing.T) {
	plain, unknown, named := newThief(t, 'N'), newThief(t, 'S', "localhost"), newThief(t, 'S', "db.example")
	for name, tt := range map[string]struct {
		server              *thief
		transport, question string
		authorities         string
		code                string // of the error; "" where the password goes
	}{
		"clear, by default":               {plain, "", "", "", "postgres.clear"},
		"clear, with encryption wanted":   {plain, "encrypted", "", "", "postgres.clear"},
		"clear, and allowed":              {plain, "clear", "", "", ""},
		"clear, allowed and not wanted":   {plain, "clear", "?sslmode=require", "", "postgres.clear"},
		"a stranger, by default":          {unknown, "", "", "", "postgres.unverified"},
		"a stranger that is trusted":      {unknown, "", "", unknown.pem, ""},
		"of another name":                 {named, "", "", named.pem, "postgres.unverified"},
		"any name of one's own authority": {named, "", "?sslmode=verify-ca", named.pem, ""},
		"another's authority":             {unknown, "", "?sslmode=verify-ca", named.pem, "postgres.unverified"},
		"required by that authority":      {unknown, "encrypted", "?sslmode=require", named.pem, "postgres.unverified"},
		"a stranger, encrypted":           {unknown, "encrypted", "", "", "postgres.clear_password"},
		"a stranger, clear":               {unknown, "clear", "?sslmode=require", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			tt.server.mu.Lock()
			tt.server.heard.Reset()
			tt.server.mu.Unlock()
			c := postgres.Config{
				URL: "postgres://souk@localhost:" + tt.server.port + "/shop" + tt.question, Password: "canary-secret",
				Transport: tt.transport, Authorities: tt.authorities, ConnectTimeout: "5s",
			}
			err := open(t, c).Harvest(t.Context(), sdk.Request{}, &memory{})
			if tt.code == "" {
				for end := time.Now().Add(2 * time.Second); !tt.server.stole() && time.Now().Before(end); {
					time.Sleep(10 * time.Millisecond)
				}
				if !tt.server.stole() {
					t.Errorf("the password does not travel: %v", err)
				}
				return
			}
			e, ok := errors.AsType[*sdk.Error](err)
			if !ok || e.Code != tt.code || e.Field != "transport" || e.Class != sdk.ClassConfig || e.Fix == "" {
				t.Errorf("got %#v", err)
			}
			time.Sleep(20 * time.Millisecond)
			if tt.server.stole() {
				t.Error("the password was given away")
			}
		})
	}
}

// TestURLsThatWouldWeaken are refused before anything is dialled.
func TestURLsThatWouldWeaken(t *testing.T) {
	folder := t.TempDir()
	_, authority := certificate(t, nil)
	file := filepath.Join(folder, "root.crt")
	if err := os.WriteFile(file, []byte(authority), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		url, transport, authorities string
		field                       string // "" where it is fine
	}{
		"default":                {"postgres://a@b/c", "", "", ""},
		"disable":                {"postgres://a@b/c?sslmode=disable", "", "", "transport"},
		"allow":                  {"postgres://a@b/c?sslmode=allow", "", "", "transport"},
		"prefer":                 {"postgres://a@b/c?sslmode=prefer", "verified", "", "transport"},
		"require":                {"postgres://a@b/c?sslmode=require", "", "", "transport"},
		"require of one's own":   {"postgres://a@b/c?sslmode=require", "", authority, ""},
		"verify-ca of everybody": {"postgres://a@b/c?sslmode=verify-ca", "", "", "transport"},
		"verify-full":            {"postgres://a@b/c?sslmode=verify-full", "", "", ""},
		"require, encrypted":     {"postgres://a@b/c?sslmode=require", "encrypted", "", ""},
		"prefer, encrypted":      {"postgres://a@b/c?sslmode=prefer", "encrypted", "", "transport"},
		"disable, clear":         {"postgres://a@b/c?sslmode=disable", "clear", "", ""},
		"the second one counts?": {"postgres://a@b/c?sslmode=verify-full&sslmode=disable", "", "", ""},
		"no mode":                {"postgres://a@b/c?sslmode=none", "clear", "", "url"},
		"a socket":               {"postgres://a@%2Fvar%2Frun/c", "", "", "url"},
		"a socket, clear":        {"postgres://a@%2Fvar%2Frun/c", "clear", "", "url"},
		"another host":           {"postgres://a@b/c?host=evil", "", "", "url"},
		"another port":           {"postgres://a@b/c?port=1", "", "", "url"},
		"a service":              {"postgres://a@b/c?service=x&servicefile=/etc/x", "", "", "url"},
		"a file of passwords":    {"postgres://a@b/c?passfile=/etc/x", "", "", "url"},
		"a key":                  {"postgres://a@b/c?sslcert=/etc/x&sslkey=/etc/y", "", "", "url"},
		"an authority's file":    {"postgres://a@b/c?sslrootcert=" + file, "", "", ""},
		"a file that is closed":  {"postgres://a@b/c?sslrootcert=/etc/passwd", "", "", "url"},
		"a file that is absent":  {"postgres://a@b/c?sslrootcert=/etc/absent", "", "", "url"},
		"the machine's":          {"postgres://a@b/c?sslrootcert=system&sslmode=require", "", "", ""},
		"no certificate":         {"postgres://a@b/c", "", "hello", "authorities"},
		"no transport":           {"postgres://a@b/c", "pigeon", "", "transport"},
		"a broken question":      {"postgres://a@b/c?sslmode=%zz", "", "", "url"},
	} {
		t.Run(name, func(t *testing.T) {
			c := postgres.Config{URL: tt.url, Transport: tt.transport, Authorities: tt.authorities}
			_, err := postgres.Plugin().Open(t.Context(), c, sdk.Env{Files: sdk.NewFiles(folder)})
			e, _ := errors.AsType[*sdk.Error](err)
			switch {
			case tt.field == "" && err != nil:
				t.Errorf("got %v", err)
			case tt.field != "" && (e == nil || e.Field != tt.field || e.Class != sdk.ClassConfig || e.Fix == ""):
				t.Errorf("got %#v", err)
			}
		})
	}
	var said []string
	for _, file := range []string{"/etc/passwd", "/etc/absent"} {
		_, err := postgres.Plugin().Open(t.Context(), postgres.Config{URL: "postgres://a@b/c?sslrootcert=" + file}, sdk.Env{})
		said = append(said, fmt.Sprint(err))
	}
	if said[0] != said[1] {
		t.Errorf("a file that is there and one that is not are told apart: %q", said)
	}
}

// TestTransportIsAnAdministrators holds the marks that the server enforces.
func TestTransportIsAnAdministrators(t *testing.T) {
	schema := string(sdk.Register(postgres.Plugin()).Schema())
	for mark, want := range map[string]int{`"x-admin": true`: 3, `"x-host": true`: 1, `"default": "verified"`: 1} { // and the role and the schema of grants
		if got := strings.Count(schema, mark); got != want {
			t.Errorf("the schema holds %s %d times, want %d", mark, got, want)
		}
	}
}
