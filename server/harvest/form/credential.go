package form

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/souk-mesh/souk/sdk/credential"
)

// secretWords are parameters of an address that hold what is no configuration.
var secretWords = []string{"password", "passwd", "pwd", "sslpassword", "token", "secret", "api_key", "apikey", "access_key"}

// Finder tells what looks like a credential.
type Finder struct{ Texts *credential.Finder }

// Strip takes out of a text what looks like a credential: the password of an
// address, in whatever place, and every other shape that is known.
func (f Finder) Strip(text string) string {
	if u, err := url.Parse(text); err == nil && strings.Contains(text, "://") {
		changed := false
		if _, has := u.User.Password(); has {
			u.User, changed = url.User(u.User.Username()), true
		}
		query := u.Query()
		for key := range query {
			if slices.Contains(secretWords, strings.ToLower(key)) {
				query.Del(key)
				u.RawQuery, changed = query.Encode(), true
			}
		}
		if changed {
			text = u.String()
		}
	}
	return f.Texts.Redact(text)
}

// Refuse reports the first text of a configuration that a person gave, and that
// holds a credential. It is asked before anything is stored or launched.
func (f Finder) Refuse(config []byte, of *Form) error {
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(config)))
	if err != nil {
		return Wrong("", "is no JSON", "write one JSON object")
	}
	_, path := f.Clean("", document)
	if path == "" {
		return nil
	}
	hint := "take it out and change it, since it has been seen"
	if len(of.Secrets) > 0 {
		hint += "; give it as secrets." + of.Secrets[0] + ", by env:NAME or file:PATH"
	}
	return Wrong(path, "holds what looks like a credential", hint)
}

// Clean gives the value without credentials and the place of the first of them.
func (f Finder) Clean(path string, value any) (cleaned any, first string) {
	note := func(p string) {
		if first == "" {
			first = p
		}
	}
	switch v := value.(type) {
	case string:
		without := f.Strip(v)
		if without != v {
			note(path)
		}
		return without, first
	case []any:
		for i := range v {
			var found string
			v[i], found = f.Clean(Below(path, strconv.Itoa(i)), v[i])
			note(found)
		}
	case map[string]any:
		for name := range v {
			var found string
			v[name], found = f.Clean(Below(path, name), v[name])
			note(found)
		}
	}
	return value, first
}
