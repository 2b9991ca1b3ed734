// Package handshake is how a host and the plugin that it has launched know one
// another: by a key and a certificate of its own on each side, made for this one
// process, which they tell each other by the environment and by the first line.
// It owns the kind of key. go-plugin would make one on P-521, for which Go has no
// assembly: to make two, and to shake hands by them, took a third of the processor
// time of a plugin's start.
package handshake

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"
)

// Variable is the environment variable in which go-plugin has the host's
// certificate, as PEM.
const Variable = "PLUGIN_CLIENT_CERT"

// serverName is whom a certificate is for.
const serverName = "localhost"

// lasting is longer than any process; going back allows for a clock that is put right.
const (
	lasting   = 10 * 365 * 24 * time.Hour
	goingBack = time.Hour
)

// Certificate makes a key and a certificate that vouches for itself.
func Certificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a key: %w", err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: serverName, Organization: []string{"Souk"}},
		DNSNames:     []string{serverName},
		NotBefore:    now.Add(-goingBack), NotAfter: now.Add(lasting),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// PEM is a certificate as the variable has it, without its key.
func PEM(c tls.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}))
}

// Client is how a host calls: by its own certificate. Whose it trusts is told by
// the handshake.
func Client(own tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12, ServerName: serverName}
}
