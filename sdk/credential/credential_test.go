package credential_test

import (
	"strings"
	"testing"

	"github.com/souk-mesh/souk/sdk/credential"
)

func TestCredentialsAreStruckOut(t *testing.T) {
	f := credential.New()
	for text, want := range map[string]string{
		"see postgres://souk:TopSecret99@db/shop for more":                       "see postgres://souk:[secret]@db/shop for more",
		"redis://:hunter2@cache:6379":                                            "redis://:[secret]@cache:6379",
		"mongodb+srv://ana:p%40ss!@cluster.example":                              "mongodb+srv://ana:[secret]@cluster.example",
		"password=TopSecret99;ssl=true":                                          "password=[secret];ssl=true",
		`{"api_key": "9f86d081884c7d65"}`:                                        `{"api_key": "[secret]"}`,
		"The token is Zk3-9qLm!x2 until May":                                     "The token is [secret] until May",
		"PWD: s3cr3t!pw":                                                         "PWD: [secret]",
		"client_secret='8a7Q~x.9Fb2cD4'":                                         "client_secret='[secret]'",
		"key AKIAIOSFODNN7EXAMPLZ here":                                          "key [secret] here",
		"ghp_" + strings.Repeat("a1B2", 9):                                       "[secret]",
		"glpat-AbCdEfGhIjKlMnOpQrSt":                                             "[secret]",
		"xoxb-123456789012-abcdefABCDEF":                                         "[secret]",
		"use sk_live_" + strings.Repeat("4eC3", 5):                               "use [secret]",
		"Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N": "Bearer [secret]",
		"-----BEGIN RSA PRIVATE KEY-----\nMIIEvQ\n-----END RSA PRIVATE KEY-----": "[secret]",
		"souk_" + strings.Repeat("0aZ9", 8):                                      "[secret]",
		"AccountName=a;AccountKey=" + strings.Repeat("Ab1+", 21) + "==;":         "AccountName=a;AccountKey=[secret];",
	} {
		if got := f.Redact(text); got != want {
			t.Errorf("%s: got %s", text, got)
		}
		if !f.Found(text) {
			t.Errorf("%s: not found", text)
		}
	}
}

// TestTextsOfPeopleStay holds sentences, code and examples that are no secrets.
func TestTextsOfPeopleStay(t *testing.T) {
	f := credential.New()
	for _, text := range []string{
		"password_resets: one row for each reset of a password", "The user's password, hashed.", "token: string", "secret: true",
		"password: is required", "Password is case-sensitive", "the token is a JWT", "api_key: {{ env_var('API_KEY') }}", "token=$TOKEN",
		"postgres://user:password@localhost/db", "postgres://USER:<password>@host/db", "postgres://u:***@host/db", "https://example.com:8443/@ana",
		"mail ana@example.com at 10:30@home", "pass: 12345678", "password=env:SOUK_SECRET_DB", "secret: file:shop/password", "token is user_id_2",
		"primary_key=customer_id", "access_key: dim_customers_v2", "Passed: 2024-01-01T00:00:00Z", "token: https://example.com/docs/token",
		"secret is kept in vault/shop/db", "password = sha256(salt || value)", "sk-learn is a library that we use", "the risk-adjusted-return-of-portfolio",
		"md5 9e107d9d372bb6826bd81d3542a419d6", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "bypass=2024q1", "compass: north-west", "",
	} {
		if got := f.Redact(text); got != text {
			t.Errorf("%s: got %s", text, got)
		}
	}
}

func BenchmarkRedact(b *testing.B) {
	f, text := credential.New(), strings.Repeat("One row for each order that a customer has placed in the shop. ", 5)
	for b.Loop() {
		f.Redact(text)
	}
}
