package secret_test

import (
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/souk-mesh/souk/sdk/internal/secret"
)

func TestStrike(t *testing.T) {
	const value = `p@ss "wörd"/1`
	set := secret.New([]string{value, "abc", ""}, "")
	for name, spelling := range map[string]string{
		"plain": value, "query": url.QueryEscape(value), "path": url.PathEscape(value),
		"json": strings.ReplaceAll(value, `"`, `\"`), "base64": base64.StdEncoding.EncodeToString([]byte(value)),
	} {
		if got := set.Strike("a " + spelling + " b"); got != "a [secret] b" {
			t.Errorf("%s: got %s", name, got)
		}
		if !set.In([]byte("a " + spelling + " b")) {
			t.Errorf("%s is not found", name)
		}
	}
	if got := set.Strike("abc stays"); got != "abc stays" {
		t.Errorf("a secret of three letters is struck: %s", got)
	}
}

func TestShortAndOpenSecretsAreStruckAndNotRefused(t *testing.T) {
	set := secret.New([]string{"short", "shop_reader"}, "postgres://shop_reader@db/shop")
	if got := set.Strike("short shop_reader"); got != "[secret] [secret]" {
		t.Errorf("got %s", got)
	}
	if set.In([]byte("short shop_reader")) {
		t.Error("what is found by chance makes a record suspect")
	}
}

func TestLinesOfAKey(t *testing.T) {
	key := "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\n-----END KEY-----\n"
	set := secret.New([]string{key}, "")
	if got := set.Strike("line MIIEvQIBADANBgkqhkiG9w0."); got != "line [secret]." {
		t.Errorf("got %s", got)
	}
}

func TestOneSecretInsideAnother(t *testing.T) {
	set := secret.New([]string{"password", "password-longer"}, "")
	if got := set.Strike("password-longer password"); got != "[secret] [secret]" {
		t.Errorf("got %s", got)
	}
}

func TestNone(t *testing.T) {
	var set secret.Set
	if set.Strike("text") != "text" || set.In([]byte("text")) {
		t.Error("the zero value knows a secret")
	}
}
