package host_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/base64"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/souk-mesh/souk/sdk/host"
	"github.com/souk-mesh/souk/sdk/internal/handshake"
	harvestv1 "github.com/souk-mesh/souk/sdk/proto/harvest/v1"
)

// TestKeysAreQuick: the keys of both sides are on the curve that Go has in
// assembly. Those that go-plugin makes took a third of a plugin's start.
func TestKeysAreQuick(t *testing.T) {
	own, err := handshake.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	cmd := served(t, "good")
	cmd.Env = append(cmd.Env, handshake.Variable+"="+handshake.PEM(own), harvestv1.CookieKey+"="+harvestv1.CookieValue, "PLUGIN_PROTOCOL_VERSIONS=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	line, err := bufio.NewReader(out).ReadString('\n')
	parts := strings.Split(strings.TrimSpace(line), "|")
	if err != nil || len(parts) != 6 {
		t.Fatalf("the handshake is %q, %v", line, err)
	}
	der, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil {
		t.Fatal(err)
	}
	for side, der := range map[string][]byte{"plugin": der, "host": told(t)} {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatalf("%s: %v", side, err)
		}
		if key, ok := c.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() {
			t.Errorf("%s: the key is no key on P-256: %T", side, c.PublicKey)
		}
	}
}

// told is the certificate that a host tells its plugin, which names an asset by it.
func told(t *testing.T) []byte {
	t.Helper()
	p, failure := newBench(t).launch(host.Self("certificate"), host.Limits{})
	if failure != nil {
		t.Fatal(failure)
	}
	defer p.Close()
	var m memory
	if _, err := p.Harvest(t.Context(), host.Request{}, &m); err != nil {
		t.Fatal(err)
	}
	der, err := base64.RawStdEncoding.DecodeString(m.names[0])
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// TestHostOfBefore: a server that makes its keys as go-plugin does goes on
// working with plugins of today.
func TestHostOfBefore(t *testing.T) {
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  plugin.HandshakeConfig{MagicCookieKey: harvestv1.CookieKey, MagicCookieValue: harvestv1.CookieValue},
		VersionedPlugins: map[int]plugin.PluginSet{harvestv1.Version: {harvestv1.ServiceName: &wire{}}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, AutoMTLS: true,
		Cmd: served(t, "good"), Logger: hclog.NewNullLogger(),
	})
	defer client.Kill()
	protocol, err := client.Client()
	if err != nil {
		t.Fatal(err)
	}
	if err := protocol.Ping(); err != nil {
		t.Error(err)
	}
}

// served is this binary as a plugin, to be started by hand.
func served(t *testing.T, name string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, host.ServeArgument, name)
	cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	return cmd
}
