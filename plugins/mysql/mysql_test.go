package mysql_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/plugins/mysql"
	"github.com/souk-mesh/souk/plugins/mysql/mariadbtest"
	"github.com/souk-mesh/souk/sdk"
)

// memory is a sink that keeps everything.
type memory struct {
	assets map[string]*sdk.Asset
	edges  map[string]*sdk.Edge
	done   []string
	notes  []sdk.Note
}

func newMemory() *memory {
	return &memory{assets: map[string]*sdk.Asset{}, edges: map[string]*sdk.Edge{}}
}

func (m *memory) Emit(r sdk.Record) error {
	if err := sdk.Validate(r); err != nil {
		return err
	}
	switch r := r.(type) {
	case *sdk.Asset:
		m.assets[r.ID.Name] = r
	case *sdk.Edge:
		m.edges[r.From.Name+" -> "+r.To.Name] = r
	}
	return nil
}
func (m *memory) Checkpoint([]byte) error             { return nil }
func (m *memory) ScopeDone(s string) error            { m.done = append(m.done, s); return nil }
func (m *memory) Progress(int64, int64, string) error { return nil }
func (m *memory) Note(n sdk.Note) error               { m.notes = append(m.notes, n); return nil }

func (m *memory) noted(code string) []string {
	var samples []string
	for _, n := range m.notes {
		if n.Code == code {
			samples = append(samples, n.Sample)
		}
	}
	return samples
}

// shop has two databases of this test alone, and a user who may read their catalogue.
type shop struct {
	t          *testing.T
	server     *mariadbtest.Server
	admin      *sql.DB
	crm, other string
	user       string
	config     mysql.Config
}

func newServer(t *testing.T) *shop {
	t.Helper()
	server := mariadbtest.Open(t)
	pem, err := os.ReadFile(os.Getenv("SOUK_TEST_MARIADB_CA"))
	if err != nil {
		t.Fatal(err)
	}
	random := make([]byte, 6)
	_, _ = rand.Read(random)
	name := "souk_test_" + hex.EncodeToString(random)
	s := &shop{t: t, server: server, admin: server.Admin, crm: name + "_crm", other: name + "_other", user: name}
	s.run("create database "+s.crm+" comment 'customers and orders'", "create database "+s.other,
		"create user "+s.user+" identified by 'canary-secret'")
	server.After("drop database if exists "+s.crm, "drop database if exists "+s.other, "drop user "+s.user)
	address := url.URL{Scheme: "mysql", User: url.User(s.user), Host: server.URL.Host}
	s.config = mysql.Config{
		URL: address.String(), Password: "canary-secret", Authorities: string(pem), Namespace: "mysql://shop:3306",
		Include: []string{s.crm, s.other},
	}
	return s
}

func newShop(t *testing.T) *shop {
	t.Helper()
	s := newServer(t)
	text, err := os.ReadFile("testdata/shop.sql")
	if err != nil {
		t.Fatal(err)
	}
	s.run(strings.NewReplacer("crm.", s.crm+".", "other.", s.other+".").Replace(string(text)))
	s.mayRead(s.crm)
	s.mayRead(s.other)
	return s
}

// mayRead grants what the page says.
func (s *shop) mayRead(database string) {
	s.t.Helper()
	s.run(fmt.Sprintf("grant references, select, show view on `%s`.* to %s", strings.ReplaceAll(database, "_", `\_`), s.user))
}

func (s *shop) run(statements ...string) {
	s.t.Helper()
	s.server.Run(statements...)
}

func open(t *testing.T, c mysql.Config) sdk.Source {
	t.Helper()
	s, err := mysql.Plugin().Open(t.Context(), c, sdk.Env{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func harvest(t *testing.T, c mysql.Config) (*memory, error) {
	t.Helper()
	m := newMemory()
	err := open(t, c).Harvest(t.Context(), sdk.Request{}, m)
	return m, err
}

func (s *shop) harvest() *memory {
	s.t.Helper()
	m, err := harvest(s.t, s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	return m
}

// strangers is the certificate of an authority that has signed for nobody.
func strangers(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a stranger"}, NotAfter: time.Now().Add(time.Hour), IsCA: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func openAny(t *testing.T, c mysql.Config) (sdk.Source, error) {
	t.Helper()
	return mysql.Plugin().Open(t.Context(), c, sdk.Env{Log: slog.New(slog.DiscardHandler), Now: time.Now})
}
