package handshake_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/sdk/internal/handshake"
)

// TestKnowOneAnother lets a host speak to its plugin, and nobody else: neither
// another host, nor one without a certificate, nor the host to another plugin.
func TestKnowOneAnother(t *testing.T) {
	host, plugin, stranger := made(t), made(t), made(t)
	for name, tt := range map[string]struct {
		calls  []tls.Certificate
		trusts tls.Certificate
		well   bool
	}{
		"the host":       {[]tls.Certificate{host}, plugin, true},
		"a stranger":     {[]tls.Certificate{stranger}, plugin, false},
		"nobody":         {nil, plugin, false},
		"another plugin": {[]tls.Certificate{host}, stranger, false},
	} {
		t.Run(name, func(t *testing.T) {
			serves, err := handshake.Serving(plugin, handshake.PEM(host))
			if err != nil {
				t.Fatal(err)
			}
			calls := handshake.Client(host)
			calls.Certificates, calls.RootCAs = tt.calls, x509.NewCertPool()
			leaf, err := x509.ParseCertificate(tt.trusts.Certificate[0])
			if err != nil {
				t.Fatal(err)
			}
			calls.RootCAs.AddCert(leaf)
			if err := shake(t, serves, calls); (err == nil) != tt.well {
				t.Errorf("they shake hands: %v, want %t", err, tt.well)
			}
		})
	}
}

// TestPassOn writes the certificate into the handshake, and what stands before and
// behind it as it is.
func TestPassOn(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for said, want := range map[string]string{
		"1|1|unix|/tmp/x|grpc|\n":                 "1|1|unix|/tmp/x|grpc|CERT\n",
		"1|1|unix|/tmp/x|grpc||true\nmore":        "1|1|unix|/tmp/x|grpc|CERT|true\nmore",
		"early\n1|1|unix|/tmp/x|grpc|\n|||||||\n": "early\n1|1|unix|/tmp/x|grpc|CERT\n|||||||\n",
		"no handshake | at all":                   "no handshake | at all",
		"":                                        "",
		long + "\n1\n":                            long + "\n1\n",
	} {
		var got strings.Builder
		handshake.PassOn(&got, strings.NewReader(said), "CERT")
		if got.String() != want {
			t.Errorf("%.60q: got %.80q, want %.80q", said, got.String(), want)
		}
	}
}

func TestNoHost(t *testing.T) {
	if _, err := handshake.Serving(made(t), "no PEM"); err == nil {
		t.Error("a plugin serves without knowing whom")
	}
}

// shake lets one side call the other, and gives what either has against it.
func shake(t *testing.T, serves, calls *tls.Config) error {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	served := make(chan error, 1)
	go func() {
		far, err := listener.Accept()
		if err == nil {
			err = tls.Server(far, serves).HandshakeContext(t.Context())
			_ = far.Close()
		}
		served <- err
	}()
	near, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	err = tls.Client(near, calls).HandshakeContext(t.Context())
	_ = near.Close()
	return errors.Join(err, <-served)
}

func made(t *testing.T) tls.Certificate {
	t.Helper()
	c, err := handshake.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	return c
}
