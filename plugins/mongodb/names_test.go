package mongodb_test

import (
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/souk-mesh/souk/sdk"
)

// oddNames holds names of every kind, each of which has to come back as it is; the
// server takes collections of up to 235 bytes, and fields of any length.
func oddNames(t *testing.T, s *server) {
	t.Helper()
	names := []string{`a "quoted" one`, "it's", "with.dot", "a/b", "🐪", strings.Repeat("ñ", 100), "Case", "case", `back\slash`, "new\nline", " "}
	field := strings.Repeat("ñ", 1000)
	for _, name := range names {
		s.insert("odd", name, bson.D{{Key: field, Value: 1}, {Key: `it's "quoted" 🐪/`, Value: "x"}})
	}
	m := harvest(t, only(s.config("souk"), "odd"))
	for _, name := range names {
		a := m.Named(sdk.JoinName("odd", name))
		if a == nil || a.ShortName != name || len(a.Fields) != 3 {
			t.Errorf("%q: %+v", name, a)
			continue
		}
		if a.Fields[1].Name != field && a.Fields[2].Name != field {
			t.Errorf("%q: the fields are %q and %q", name, a.Fields[1].Name, a.Fields[2].Name)
		}
	}
}
