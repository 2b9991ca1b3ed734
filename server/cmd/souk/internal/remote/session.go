package remote

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
)

// Session is what a person's sign-ins leave: a token for each server, and the
// server that was signed in to last.
type Session struct {
	URL    string            `json:"url"`
	Tokens map[string]string `json:"tokens"`
	file   string
}

// SessionFile is where sign-ins are kept, in the person's own folder of settings.
func SessionFile(config string) string { return filepath.Join(config, "souk", "session.json") }

// OpenSession reads a file of sign-ins; one that is not there holds none. It
// refuses a file that others may read.
func OpenSession(file string) (*Session, error) {
	s := &Session{Tokens: map[string]string{}, file: file}
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for the sign-in: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, model.Invalid(file, "others than you may use it, and it holds tokens", "chmod 600 "+file+", and revoke the tokens if others have read it")
	}
	text, err := os.ReadFile(file) //nolint:gosec // the person's own, by the name that this package gives it
	if err != nil {
		return nil, fmt.Errorf("read the sign-in: %w", err)
	}
	if err := json.Unmarshal(text, s); err != nil || s.Tokens == nil {
		return nil, model.Invalid(file, "is no file of sign-ins", "remove it, and sign in with: souk login URL")
	}
	return s, nil
}

// Keep remembers a token for the server, and the server.
func (s *Session) Keep(server, token string) error {
	s.URL, s.Tokens[server] = server, token
	return s.write()
}

// Forget drops the token of a server, and reports whether there was one.
func (s *Session) Forget(server string) (bool, error) {
	if _, found := s.Tokens[server]; !found {
		return false, nil
	}
	delete(s.Tokens, server)
	if s.URL == server {
		s.URL = ""
	}
	return true, s.write()
}

// write replaces the file at once, with one that only its owner may use.
func (s *Session) write() error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	dir := filepath.Dir(s.file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("keep the sign-in: %w", err)
	}
	f, err := os.CreateTemp(dir, ".session-*") // with 0600
	if err != nil {
		return fmt.Errorf("keep the sign-in: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), s.file)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return fmt.Errorf("keep the sign-in: %w", err)
	}
	return nil
}

// Address reads the address of a server as people write it.
func Address(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", model.Invalid("url", "is no address of a server", "use one such as https://souk.acme.example")
	}
	return strings.TrimSuffix(u.String(), "/"), nil
}

// InTheClear reports an address that a token travels to for others to read.
func InTheClear(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "https" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())
}
