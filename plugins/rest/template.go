package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// node is a value of JSON in which numbers stay as they were written.
type node struct{ value any }

// UnmarshalJSON keeps the digits of a number.
func (n *node) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return d.Decode(&n.value)
}

// template is a text with places in it, such as "{labels.singular} of {owner}".
type template struct {
	parts []part
}

// part is a text, or the keys that lead to a value.
type part struct {
	text string
	keys []string
}

var errTemplate = errors.New("a place begins with { and ends with }, with keys and dots between them; a brace that is meant is doubled")

// parseTemplate reads a text. A key with a dot in it stands in double quotes.
func parseTemplate(text string) (template, error) {
	var t template
	for text != "" {
		at := strings.IndexAny(text, "{}")
		switch {
		case at < 0:
			t.parts = append(t.parts, part{text: text})
			return t, nil
		case at+1 < len(text) && text[at+1] == text[at]:
			t.parts = append(t.parts, part{text: text[:at+1]})
			text = text[at+2:]
			continue
		case text[at] == '}':
			return t, errTemplate
		}
		end := strings.IndexByte(text[at:], '}')
		if end < 0 {
			return t, errTemplate
		}
		keys, err := parsePath(text[at+1 : at+end])
		if err != nil {
			return t, err
		}
		t.parts = append(t.parts, part{text: text[:at]}, part{keys: keys})
		text = text[at+end+1:]
	}
	return t, nil
}

// parsePath reads keys with dots between them.
func parsePath(text string) ([]string, error) {
	if text == "." {
		return []string{}, nil
	}
	keys := sdk.SplitName(text)
	for _, key := range keys {
		if key == "" || strings.ContainsAny(key, "{}\n") {
			return nil, errTemplate
		}
	}
	if len(keys) == 0 {
		return nil, errTemplate
	}
	return keys, nil
}

// fill puts the values into their places, each through escape. It reports false
// where a place has no value.
func (t template) fill(value any, escape func(string) string) (string, bool) {
	var out strings.Builder
	whole := true
	for _, p := range t.parts {
		if p.keys == nil {
			out.WriteString(p.text)
			continue
		}
		found := texts(value, p.keys)
		if len(found) == 0 || found[0] == "" {
			whole = false
			continue
		}
		out.WriteString(escape(found[0]))
	}
	return out.String(), whole
}

// text is the filled template, with nothing where there is no value.
func (t template) text(value any) string {
	text, _ := t.fill(value, plain)
	return text
}

func plain(text string) string { return text }

// list gives all values where the template is one place alone, and one text
// otherwise. What is empty is left out.
func (t template) list(value any) []string {
	var all []string
	if len(t.parts) == 2 && t.parts[0].text == "" && t.parts[1].keys != nil {
		all = texts(value, t.parts[1].keys)
	} else if text, whole := t.fill(value, plain); whole {
		all = []string{text}
	}
	var out []string
	for _, text := range all {
		if text != "" {
			out = append(out, text)
		}
	}
	return out
}

// texts finds what the keys lead to. A * stands for each item of a list, and a
// number for one of them; a list at the end gives its items.
func texts(value any, keys []string) []string {
	switch value := value.(type) {
	case []any:
		return textsOfList(value, keys)
	case map[string]any:
		if len(keys) == 0 {
			return nil
		}
		return texts(value[keys[0]], keys[1:])
	}
	if len(keys) > 0 {
		return nil
	}
	switch value := value.(type) {
	case string:
		return []string{value}
	case json.Number:
		return []string{value.String()}
	case bool, int, int64, float64: // the numbers are those of YAML
		return []string{fmt.Sprint(value)}
	}
	return nil
}

func textsOfList(list []any, keys []string) []string {
	if len(keys) > 0 && keys[0] != "*" {
		n, err := strconv.Atoi(keys[0])
		if err != nil || n < 0 || n >= len(list) {
			return nil
		}
		return texts(list[n], keys[1:])
	}
	var all []string
	for _, item := range list {
		all = append(all, texts(item, keys[min(len(keys), 1):])...)
	}
	return all
}

// listAt is the list to which the keys lead. It reports false where there is
// something else.
func listAt(value any, keys []string) ([]any, bool) {
	for _, key := range keys {
		object, ok := value.(map[string]any)
		if !ok {
			return nil, false
		}
		value = object[key]
	}
	list, ok := value.([]any)
	return list, ok || value == nil
}
