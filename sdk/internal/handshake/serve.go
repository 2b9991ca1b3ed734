package handshake

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"strings"
)

// Server is how a plugin serves: by a certificate that it makes now, and for the
// host alone whose certificate its environment has. The handshake brings the
// plugin's. The configuration is nil for a host that speaks without TLS.
func Server() (*tls.Config, error) {
	host := os.Getenv(Variable)
	if host == "" {
		return nil, nil //nolint:nilnil // what go-plugin takes for no TLS
	}
	own, err := Certificate()
	if err != nil {
		return nil, err
	}
	config, err := serving(own, host)
	if err != nil {
		return nil, err
	}
	return config, announce(base64.RawStdEncoding.EncodeToString(own.Certificate[0]))
}

// serving serves the host of this certificate and nobody else.
func serving(own tls.Certificate, host string) (*tls.Config, error) {
	hosts := x509.NewCertPool()
	if !hosts.AppendCertsFromPEM([]byte(host)) {
		return nil, errors.New(Variable + " holds no certificate: let the host set it")
	}
	return &tls.Config{
		Certificates: []tls.Certificate{own}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: hosts, RootCAs: hosts,
		MinVersion: tls.VersionTLS12, ServerName: serverName,
	}, nil
}

// announce puts the certificate into the handshake. go-plugin tells no other than
// one that it has made itself, so what it prints goes through here.
func announce(own string) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	stdout := os.Stdout
	os.Stdout = w
	go passOn(stdout, r, own)
	return nil
}

// passOn writes what it reads, and the certificate into the sixth part of the
// first line that is a handshake.
func passOn(to io.Writer, from io.Reader, own string) {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadString('\n')
		parts := strings.Split(strings.TrimSuffix(line, "\n"), "|")
		if len(parts) < 6 {
			if _, failed := io.WriteString(to, line); failed != nil || err != nil {
				return
			}
			continue
		}
		parts[5] = own
		_, _ = io.WriteString(to, strings.Join(parts, "|")+"\n") // a host that is gone hears nothing
		_, _ = io.Copy(to, lines)
		return
	}
}
