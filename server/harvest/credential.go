package harvest

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/sdk/credential"
	"github.com/souk-mesh/souk/server/harvest/form"
	"github.com/souk-mesh/souk/server/store"
)

// secretWords are parameters of an address that hold what is no configuration.
var secretWords = []string{"password", "passwd", "pwd", "sslpassword", "token", "secret", "api_key", "apikey", "access_key"}

// finder tells what looks like a credential.
type finder struct{ texts *credential.Finder }

// strip takes out of a text what looks like a credential: the password of an
// address, in whatever place, and every other shape that is known.
func (f finder) strip(text string) string {
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
	return f.texts.Redact(text)
}

// refuse reports the first text of a configuration that a person gave, and that
// holds a credential. It is asked before anything is stored or launched.
func (f finder) refuse(config []byte, of *form.Form) error {
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(config)))
	if err != nil {
		return form.Wrong("", "is no JSON", "write one JSON object")
	}
	_, path := f.clean("", document)
	if path == "" {
		return nil
	}
	hint := "take it out and change it, since it has been seen"
	if len(of.Secrets) > 0 {
		hint += "; give it as secrets." + of.Secrets[0] + ", by env:NAME or file:PATH"
	}
	return form.Wrong(path, "holds what looks like a credential", hint)
}

// clean gives the value without credentials and the place of the first of them.
func (f finder) clean(path string, value any) (cleaned any, first string) {
	note := func(p string) {
		if first == "" {
			first = p
		}
	}
	switch v := value.(type) {
	case string:
		without := f.strip(v)
		if without != v {
			note(path)
		}
		return without, first
	case []any:
		for i := range v {
			var found string
			v[i], found = f.clean(form.Below(path, strconv.Itoa(i)), v[i])
			note(found)
		}
	case map[string]any:
		for name := range v {
			var found string
			v[name], found = f.clean(form.Below(path, name), v[name])
			note(found)
		}
	}
	return value, first
}

// Cleanse takes out of the sources of an older program what got into their
// configuration and looks like a credential, and gives their names.
func (s *Service) Cleanse(ctx context.Context) ([]model.Slug, error) {
	var cleansed []model.Slug
	for source, err := range store.Sources.All(ctx, s.store, store.Query{Index: "named", Limit: store.MaxPage}) {
		if err != nil {
			return cleansed, err
		}
		document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(source.Config)))
		if err != nil {
			continue // what is no JSON was never taken
		}
		cleaned, found := s.finder.clean("", document)
		if found == "" {
			continue
		}
		if source.Config, err = json.Marshal(cleaned); err != nil {
			return cleansed, err
		}
		_, err = s.store.Apply(ctx, store.Change{
			Actor: model.System().ID, Action: "source.cleanse", Subject: source.ID, Reason: "a credential stood in " + clip(found, 200), Writes: []store.Write{store.Sources.Put(source)},
		})
		if err != nil && !model.LostRace(err) {
			return cleansed, err
		}
		cleansed = append(cleansed, source.Name)
	}
	return cleansed, nil
}
