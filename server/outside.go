package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"runtime"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/doors"
	"github.com/souk-mesh/souk/server/doors/authzen"
	"github.com/souk-mesh/souk/server/doors/opa"
	"github.com/souk-mesh/souk/server/doors/trino"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/httpd"
	"github.com/souk-mesh/souk/server/pdp"
	"github.com/souk-mesh/souk/server/policy"
)

// outside builds the service behind the doors for other systems.
func (s *Server) outside(g *gate.Gate) (*pdp.Service, error) {
	key, err := bundleKey(s.config.BundleKey)
	if err != nil {
		return nil, err
	}
	return pdp.New(pdp.Config{
		Store: s.store, Gate: g, Engine: s.engine, Log: s.Decisions, Key: key, Catalogs: s.config.TrinoCatalogs, Now: model.Now,
	})
}

// open mounts the doors for other systems.
func (s *Server) open(web *httpd.Server) {
	refuse := doors.Refuser(s.log)
	for pattern, door := range authzen.New(s.Outside, s.log).Routes() {
		web.Handle(pattern, authzen.Echo(web.Within(web.SignedBy(s.Identity, refuse, door))))
	}
	web.Handle("GET "+authzen.WellKnown, authzen.Metadata(s.config.PublicURL))
	for _, routes := range []map[string]http.Handler{
		opa.New(s.Outside, s.log).Routes(),
		trino.New(s.Outside, s.config.unknownTables(), s.log).Routes(),
	} {
		for pattern, door := range routes {
			web.Handle(pattern, web.Within(web.SignedBy(s.Identity, refuse, door)))
		}
	}
}

// bundleKey reads the key that signs bundles, and makes it where the file is
// missing. It refuses a file that others may use. Without a path there is no
// key.
func bundleKey(path string) (policy.BundleKey, error) {
	if path == "" {
		return policy.BundleKey{}, nil
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" { // whose modes say nothing of others
		return policy.BundleKey{}, model.Invalid("bundle-key",
			fmt.Sprintf("the file %q may be used by others than its owner (it has the mode %#o), and whoever reads the key can sign rules in the name of this server", path, info.Mode().Perm()),
			fmt.Sprintf("chmod 600 %s; if others may have read it, remove it and let souk make another", path))
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator's own file
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = newBundleKey(); err == nil {
			err = os.WriteFile(path, text, 0o600)
		}
	}
	if err != nil {
		return policy.BundleKey{}, fmt.Errorf("read bundle key: %w", err)
	}
	return policy.ReadBundleKey(text)
}

func newBundleKey() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}
