package remote_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/server/cmd/souk/internal/remote"
)

// TestSession keeps tokens by server, in a file that is its owner's alone.
func TestSession(t *testing.T) {
	file := remote.SessionFile(t.TempDir())
	open := func() *remote.Session {
		s, err := remote.OpenSession(file)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, server := range []string{"http://a.example", "http://b.example"} {
		if err := open().Keep(server, "token of "+server); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if s := open(); s.URL != "http://b.example" || s.Tokens["http://a.example"] != "token of http://a.example" {
		t.Errorf("got %+v", s)
	}
	if found, err := open().Forget("http://b.example"); !found || err != nil {
		t.Error(found, err)
	}
	if s := open(); s.URL != "" || len(s.Tokens) != 1 {
		t.Errorf("got %+v", s)
	}
	if found, err := open().Forget("http://b.example"); found || err != nil {
		t.Error(found, err)
	}
	if left, err := os.ReadDir(filepath.Dir(file)); err != nil || len(left) != 1 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

// TestSessionOfOthers is refused: whoever can read it has the tokens.
func TestSessionOfOthers(t *testing.T) {
	for text, c := range map[string]struct {
		mode os.FileMode
		want string
	}{
		`{"url":"http://a","tokens":{"http://a":"x"}}`: {0o640, "chmod 600"},
		"nonsense":         {0o600, "souk login URL"},
		`{}`:               {0o600, ""},
		`null`:             {0o600, ""},
		`{"tokens": null}`: {0o600, "souk login URL"},
	} {
		file := filepath.Join(t.TempDir(), "session.json")
		if err := os.WriteFile(file, []byte(text), c.mode); err != nil {
			t.Fatal(err)
		}
		_, err := remote.OpenSession(file)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

// TestAddress takes what names a server and nothing else.
func TestAddress(t *testing.T) {
	for text, want := range map[string]string{
		"https://souk.acme.example/": "https://souk.acme.example", "http://127.0.0.1:8080": "http://127.0.0.1:8080",
		"souk.acme.example": "", "ftp://x": "", "https://ana:secret@x": "", "https://x?token=1": "", "": "",
	} {
		got, err := remote.Address(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", text, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("it gives away a secret: %v", err)
		}
	}
	for address, want := range map[string]bool{"http://x": true, "https://x": false, "http://localhost:1": false, "http://127.0.0.9": false, "http://[::1]:8080": false, "http://10.0.0.1": true} {
		if remote.InTheClear(address) != want {
			t.Errorf("%s: not %v", address, want)
		}
	}
}
