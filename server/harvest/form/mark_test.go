package form_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/souk-mesh/souk/server/harvest/form"
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
	f, err := form.New(json.RawMessage(marks), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	err = f.Each([]byte(`{"url":"mysql://a/x","hosts":["b:1","C"],"node":{"host":"[::1]:2"},"byName":{"x":"d:3"}}`), form.MarkHost, func(path, value string) error {
		got = append(got, path+" "+value)
		return nil
	})
	if want := []string{"byName.x d:3", "hosts.0 b:1", "hosts.1 C", "node.host [::1]:2", "url mysql://a/x"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, want %v: %v", got, want, err)
	}
}

func TestFieldsOfAdministrators(t *testing.T) {
	f, err := form.New(json.RawMessage(marks), nil)
	if err != nil {
		t.Fatal(err)
	}
	for config, field := range map[string]string{
		`{}`: "", `{"verify":true,"mode":"full","node":{"insecure":false}}`: "",
		`{"verify":false}`: "config.verify", `{"mode":""}`: "config.mode", `{"mode":"none"}`: "config.mode",
		`{"node":{"insecure":true}}`: "config.node.insecure",
	} {
		switch e := f.Administered([]byte(config)); {
		case e == nil && field != "", e != nil && e.Field != field:
			t.Errorf("%s: %v", config, e)
		}
	}
}
