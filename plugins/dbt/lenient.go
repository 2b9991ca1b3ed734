package dbt

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// text is a JSON string that may also be written as a number, a boolean or
// null; anything else counts as absent.
type text string

// UnmarshalJSON never fails: dbt changes such keys without a new version.
func (t *text) UnmarshalJSON(b []byte) error {
	*t = ""
	switch {
	case len(b) == 0 || b[0] == '{' || b[0] == '[' || string(b) == "null":
	case b[0] == '"':
		var s string
		if err := json.Unmarshal(b, &s); err == nil {
			*t = text(s)
		}
	default:
		*t = text(b)
	}
	return nil
}

// texts is a list of strings that may be written as one string.
type texts []string

// UnmarshalJSON takes a string, a list or null.
func (t *texts) UnmarshalJSON(b []byte) error {
	*t = nil
	var many []text
	if json.Unmarshal(b, &many) != nil {
		var one text
		_ = one.UnmarshalJSON(b)
		many = []text{one}
	}
	for _, s := range many {
		if s := strings.TrimSpace(string(s)); s != "" {
			*t = append(*t, s)
		}
	}
	return nil
}

// dict is a JSON object of which a few keys are wanted.
type dict map[string]json.RawMessage

// UnmarshalJSON takes anything that is no object for an empty one.
func (d *dict) UnmarshalJSON(b []byte) error {
	var m map[string]json.RawMessage
	if json.Unmarshal(b, &m) != nil {
		m = nil
	}
	*d = m
	return nil
}

// named gives the values that are there by their keys: text as it is, and what
// is no plain value as JSON. It is cut to what one column may reasonably say.
func (d dict) named() map[string]string {
	var all map[string]string
	for _, key := range slices.Sorted(maps.Keys(d)) {
		var value text
		if _ = value.UnmarshalJSON(d[key]); value == "" {
			value = text(compact(d[key]))
		}
		if value == "" || value == "null" || len(all) == maxMeta {
			continue
		}
		if all == nil {
			all = map[string]string{}
		}
		all[key] = clip(string(value))
	}
	return all
}

// What is kept of the meta of one column.
const (
	maxMeta      = 50
	maxMetaValue = 1000
)

func clip(s string) string {
	if len(s) <= maxMetaValue {
		return s
	}
	return strings.ToValidUTF8(s[:maxMetaValue], "") + "..."
}

func compact(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil || b.String() == `""` || b.String() == "{}" || b.String() == "[]" {
		return ""
	}
	return b.String()
}

func (d dict) dict(key string) dict {
	var inner dict
	_ = inner.UnmarshalJSON(d[key])
	return inner
}

func (d dict) texts(key string) texts {
	var t texts
	if raw, ok := d[key]; ok {
		_ = t.UnmarshalJSON(raw)
	}
	return t
}

// contract is the one wanted key of a contract object.
type contract struct{ Enforced bool }

// UnmarshalJSON never fails.
func (c *contract) UnmarshalJSON(b []byte) error {
	c.Enforced = bytes.Equal(bytes.TrimSpace(keyOf(b, "enforced")), []byte("true"))
	return nil
}

func keyOf(object []byte, key string) json.RawMessage {
	var d dict
	_ = d.UnmarshalJSON(object)
	return d[key]
}

// column is a column as a manifest documents it.
type column struct {
	Name        text        `json:"name"`
	Description text        `json:"description"`
	DataType    text        `json:"data_type"`
	Constraints constraints `json:"constraints"`
	Tags        texts       `json:"tags"`
	Meta        dict        `json:"meta"`
	Config      dict        `json:"config"` // where dbt 1.10 moved both
}

// constraint is one that a model or a column declares.
type constraint struct {
	Type       text  `json:"type"`
	Name       text  `json:"name"`
	Expression text  `json:"expression"`
	Columns    texts `json:"columns"` // of a constraint of a model
}

type constraints []constraint

// UnmarshalJSON takes anything that is no list of objects for none.
func (c *constraints) UnmarshalJSON(b []byte) error {
	var list []constraint
	if json.Unmarshal(b, &list) != nil {
		list = nil
	}
	*c = list
	return nil
}

// has reports a constraint of one of the types.
func (c constraints) has(types ...string) bool {
	return slices.ContainsFunc(c, func(k constraint) bool { return slices.Contains(types, strings.ToLower(string(k.Type))) })
}

// columns lists the columns of the constraints of the types, each once.
func (c constraints) columns(types ...string) []string {
	var names []string
	for _, k := range c {
		if (constraints{k}).has(types...) {
			names = union(names, k.Columns)
		}
	}
	return names
}

// columns keeps the order in which the manifest writes them, which a map loses.
type columns []column

// UnmarshalJSON takes an object by column name, or a list.
func (c *columns) UnmarshalJSON(b []byte) error {
	*c = nil
	d := json.NewDecoder(bytes.NewReader(b))
	open, _ := d.Token()
	if open != json.Delim('{') && open != json.Delim('[') {
		return nil
	}
	for d.More() {
		var name string
		if open == json.Delim('{') {
			key, err := d.Token()
			if err != nil {
				return err
			}
			name, _ = key.(string)
		}
		var one column
		if err := d.Decode(&one); err != nil {
			return err
		}
		if one.Name == "" {
			one.Name = text(name)
		}
		*c = append(*c, one)
	}
	return nil
}
