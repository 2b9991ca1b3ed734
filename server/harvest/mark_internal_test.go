package harvest

import (
	"encoding/json"
	"slices"
	"testing"
)

// marks is a schema of a foreign plugin that uses every mark.
const marks = `{"type":"object","properties":{
	"url":{"type":"string","format":"uri"},
	"hosts":{"type":"array","x-host":true,"items":{"type":"string"}},
	"node":{"type":"object","properties":{"host":{"type":"string","x-host":true},"insecure":{"type":"boolean","x-admin":true}}},
	"byName":{"type":"object","additionalProperties":{"type":"string","x-host":true}},
	"verify":{"type":"boolean","default":true,"x-admin":true},
	"mode":{"type":"string","default":"full","x-admin":true}}}`

func TestHostsAreFoundWhereverTheSchemaMarksThem(t *testing.T) {
	f, err := newForm(json.RawMessage(marks), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.hosts([]byte(`{"url":"mysql://a/x","hosts":["b:1","C"],"node":{"host":"[::1]:2"},"byName":{"x":"d:3"}}`))
	if want := []string{"[::1]:2", "a:3306", "b:1", "c:", "d:3"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, want %v: %v", got, want, err)
	}
}

func TestFieldsOfAdministrators(t *testing.T) {
	f, err := newForm(json.RawMessage(marks), nil)
	if err != nil {
		t.Fatal(err)
	}
	for config, field := range map[string]string{
		`{}`: "", `{"verify":true,"mode":"full","node":{"insecure":false}}`: "",
		`{"verify":false}`: "config.verify", `{"mode":""}`: "config.mode", `{"mode":"none"}`: "config.mode",
		`{"node":{"insecure":true}}`: "config.node.insecure",
	} {
		switch e := f.administered([]byte(config)); {
		case e == nil && field != "", e != nil && e.Field != field:
			t.Errorf("%s: %v", config, e)
		}
	}
}
