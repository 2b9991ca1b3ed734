package decisionlog

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
)

// personal lists the paths of the input that tell of a person. The ids of who
// asks and of what they ask about stand in the row itself, or nobody could
// look their own decisions up.
var personal = []string{"context.purpose", "resource.owner", "resource.requester", "subject.name", "subject.teams"}

// maskPrefix begins what stands for a masked value.
const maskPrefix = "masked:"

// Mask replaces the strings at the paths of a JSON object, and below them, by
// keyed hashes: equal values stay equal, and nobody without the key can guess
// one. It gives the paths that it found.
func Mask(key []byte, input json.RawMessage, paths []string) (json.RawMessage, []string) {
	d := json.NewDecoder(bytes.NewReader(input))
	d.UseNumber()
	var document map[string]any
	if len(paths) == 0 || d.Decode(&document) != nil {
		return input, nil
	}
	var found []string
	for _, path := range paths {
		if maskAt(key, document, strings.Split(path, ".")) {
			found = append(found, path)
		}
	}
	if len(found) == 0 {
		return input, nil
	}
	masked, _ := json.Marshal(document) // it was just read from JSON
	return masked, found
}

func maskAt(key []byte, in map[string]any, path []string) bool {
	value, ok := in[path[0]]
	if !ok {
		return false
	}
	if len(path) > 1 {
		next, ok := value.(map[string]any)
		return ok && maskAt(key, next, path[1:])
	}
	masked, changed := maskValue(key, value)
	in[path[0]] = masked
	return changed
}

// maskValue replaces every string in the value; the empty one tells nothing.
func maskValue(key []byte, value any) (masked any, changed bool) {
	switch v := value.(type) {
	case string:
		if v == "" || strings.HasPrefix(v, maskPrefix) {
			return v, false
		}
		h := hmac.New(sha256.New, key)
		h.Write([]byte(v))
		return maskPrefix + hex.EncodeToString(h.Sum(nil)[:12]), true
	case []any:
		for i := range v {
			item, hit := maskValue(key, v[i])
			v[i], changed = item, changed || hit
		}
	case map[string]any:
		for name := range v {
			item, hit := maskValue(key, v[name])
			v[name], changed = item, changed || hit
		}
	}
	return value, changed
}

// masked gives the input as the log keeps it, and what was masked in it.
func (l *Log) masked(d model.DecisionRecord) (json.RawMessage, []string) {
	if l.config.Reads == nil {
		return d.Input, nil
	}
	read, ok := l.config.Reads(d)
	if !ok {
		return d.Input, nil
	}
	var unread []string
	for _, path := range personal {
		if !slices.ContainsFunc(read, func(r string) bool { return touches(r, path) }) {
			unread = append(unread, path)
		}
	}
	return Mask(l.mask, d.Input, unread)
}

// touches reports whether who reads the one path reads something of the other.
func touches(read, path string) bool {
	read, _, _ = strings.Cut(read, "[") // subject.teams[_] reads subject.teams
	read = strings.TrimPrefix(strings.TrimPrefix(read, "input"), ".")
	return read == "" || read == path || strings.HasPrefix(path, read+".") || strings.HasPrefix(read, path+".")
}
