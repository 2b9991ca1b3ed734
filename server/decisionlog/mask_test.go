package decisionlog_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/server/decisionlog"
)

// FuzzMask compares the one pass over the text with the plain way: read the
// values, replace them, write them again. Both mask the same, at whatever a
// stranger's log sends.
func FuzzMask(f *testing.F) {
	for _, text := range []string{
		`{"subject":{"name":"ana","teams":["sales/orders","sales/web"],"id":"prn_1"},"context":{"purpose":"bill\"ing","now":"x"}}`,
		` { "subject" : { "name" : "\u0061na" , "teams" : [ { "a" : [ "b" , "" ] } , 7 , null , true ] } , "n" : -1.5e9 } `,
		`{"\u0073ubject":{"name":{"first":"a","last":"masked:00"}},"context":"purpose"}`,
		`{"subject":[{"name":"ana"}],"context":{"purpose":["}","{\\"]}}`, `[]`, `{}`, `{"a":}`, `"subject"`,
	} {
		f.Add([]byte(text))
	}
	paths := []string{"context.purpose", "subject.name", "subject.teams"}
	f.Fuzz(func(t *testing.T, in []byte) {
		got, found := decisionlog.Mask([]byte("key"), in, paths)
		if decoded, ok := values(in); ok && !repeats(in) {
			var want []string
			for _, path := range paths {
				if maskAt(decoded, strings.Split(path, ".")) {
					want = append(want, path)
				}
			}
			again, ok := values(got)
			if diff := cmp.Diff(want, found); diff != "" || !ok {
				t.Fatalf("%q: %t, found (-want +got):\n%s", in, ok, diff)
			}
			if diff := cmp.Diff(decoded, again); diff != "" {
				t.Fatalf("%q: %s (-want +got):\n%s", in, got, diff)
			}
		} else if !ok && !bytes.Equal(in, got) {
			t.Fatalf("%q is no object, and became %q", in, got)
		}
	})
}

func values(text []byte) (map[string]any, bool) {
	d := json.NewDecoder(bytes.NewReader(bytes.ToValidUTF8(text, []byte("?"))))
	d.UseNumber()
	var object map[string]any
	return object, bytes.Equal(text, bytes.ToValidUTF8(text, []byte("?"))) && json.Valid(text) && d.Decode(&object) == nil && object != nil
}

// repeats reports whether an object may hold a member twice: the plain way
// forgets the first, and the pass masks both.
func repeats(text []byte) bool {
	var compact bytes.Buffer
	_ = json.Compact(&compact, text)
	var value any
	_ = json.Unmarshal(text, &value)
	again, _ := json.Marshal(value)
	return bytes.Count(compact.Bytes(), []byte(":")) != bytes.Count(again, []byte(":"))
}

func maskAt(in map[string]any, path []string) (changed bool) {
	value, ok := in[path[0]]
	if next, deeper := value.(map[string]any); len(path) > 1 {
		return ok && deeper && maskAt(next, path[1:])
	}
	if ok {
		in[path[0]], changed = maskValue(value)
	}
	return changed
}

func maskValue(value any) (masked any, changed bool) {
	switch v := value.(type) {
	case string:
		if v == "" || strings.HasPrefix(v, "masked:") {
			return v, false
		}
		h := hmac.New(sha256.New, []byte("key"))
		h.Write([]byte(v))
		return "masked:" + hex.EncodeToString(h.Sum(nil)[:12]), true
	case []any:
		for i := range v {
			item, hit := maskValue(v[i])
			v[i], changed = item, changed || hit
		}
	case map[string]any:
		for name := range v {
			item, hit := maskValue(v[name])
			v[name], changed = item, changed || hit
		}
	}
	return value, changed
}
