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

func TestShortSecretsAreStruckAndNotRefused(t *testing.T) {
	set := secret.New([]string{"hunter2"}, "")
	if got := set.Strike("say hunter2"); got != "say [secret]" {
		t.Errorf("got %s", got)
	}
	if set.In([]byte("say hunter2")) {
		t.Error("what is found by chance makes a record suspect")
	}
}

// TestOrdinaryWordsStay wants a hint to be of use whatever the password is, and
// the password to be struck where it stands as one.
func TestOrdinaryWordsStay(t *testing.T) {
	const open = `{"url": "postgres://shop-Reader1@db/shop"}`
	for value, tt := range map[string]struct{ text, want string }{
		"shop-Reader1": {`GRANT USAGE ON SCHEMA "sales" TO "shop-Reader1";`, `GRANT USAGE ON SCHEMA "sales" TO "shop-Reader1";`},
		"sales":        {`GRANT USAGE ON SCHEMA "sales" TO "r"; schema:sales`, `GRANT USAGE ON SCHEMA "sales" TO "r"; schema:sales`},
		"Postgres":     {"Postgres at db:5432 with password Postgres", "Postgres at db:5432 with password [secret]"},
		"order_items":  {`order_items, pwd=order_items&x, {"password": "order_items"}`, `order_items, pwd=[secret]&x, {"password": "[secret]"}`},
		"reader":       {"postgres://reader:reader@db/shop as reader", "postgres://reader:[secret]@db/shop as reader"},
		"table":        {"the table, its password is table", "the table, its password is [secret]"},
		"password":     {"set the secret password; PASSWORD='password'", "set the secret password; PASSWORD='[secret]'"},
		"xKq9":         {"xKq9", "[secret]"},
		"AbCdEfGh":     {"AbCdEfGh", "[secret]"},
	} {
		set := secret.New([]string{value}, open)
		if got := set.Strike(tt.text); got != tt.want {
			t.Errorf("%s: got %s, want %s", value, got, tt.want)
		}
		if ordinary := strings.Contains(open, value) || len(value) < 8; ordinary && set.In([]byte(tt.text)) {
			t.Errorf("%s makes a record suspect", value)
		}
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
	set := secret.New([]string{"passw0rd", "passw0rd-longer"}, "")
	if got := set.Strike("passw0rd-longer passw0rd"); got != "[secret] [secret]" {
		t.Errorf("got %s", got)
	}
}

func TestNone(t *testing.T) {
	var set secret.Set
	if set.Strike("text") != "text" || set.In([]byte("text")) {
		t.Error("the zero value knows a secret")
	}
}
