package postgres_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"testing"

	"github.com/souk-mesh/souk/plugins/postgres"
	"github.com/souk-mesh/souk/sdk"
)

// TestJudge refuses what no server could make right, and opens nothing.
func TestJudge(t *testing.T) {
	const good = "postgres://souk@db.example:5432/shop"
	for name, tt := range map[string]struct {
		config map[string]string
		field  string
	}{
		"good":                       {map[string]string{"url": good}, ""},
		"a file that is not there":   {map[string]string{"url": good + "?sslmode=verify-ca&sslrootcert=/nowhere/ca.pem"}, ""},
		"no host":                    {map[string]string{"url": "postgres://souk@/shop"}, "url"},
		"no database":                {map[string]string{"url": "postgres://souk@db.example"}, "url"},
		"no role":                    {map[string]string{"url": "postgres://db.example/shop"}, "url"},
		"another system":             {map[string]string{"url": "mysql://souk@db.example/shop"}, "url"},
		"a password in the URL":      {map[string]string{"url": "postgres://souk:x@db.example/shop"}, "url"},
		"a password as parameter":    {map[string]string{"url": good + "?password=x"}, "url"},
		"a parameter that leads off": {map[string]string{"url": good + "?host=elsewhere"}, "url"},
		"a mode that is none":        {map[string]string{"url": good + "?sslmode=odd"}, "transport"},
		"authorities that are none":  {map[string]string{"url": good, "authorities": "my company"}, "authorities"},
		"a wait of nothing":          {map[string]string{"url": good, "connectTimeout": "0s"}, "connectTimeout"},
	} {
		config, err := json.Marshal(tt.config)
		if err != nil {
			t.Fatal(err)
		}
		err = sdk.Register(postgres.Plugin()).Judge(config, slog.New(slog.DiscardHandler))
		if e, _ := errors.AsType[*sdk.Error](err); (tt.field == "") != (err == nil) || e != nil && (e.Field != tt.field || e.Class != sdk.ClassConfig || e.Fix == "") {
			t.Errorf("%s: got %v, want one of %q", name, err, tt.field)
		}
	}
}
