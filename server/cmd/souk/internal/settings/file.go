package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"strings"

	"github.com/knadh/koanf/providers/rawbytes"
	"github.com/knadh/koanf/v2"
	"go.yaml.in/yaml/v3"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server"
)

func loadFile(k *koanf.Koanf, path string) error {
	if path == "" {
		return nil
	}
	content, err := os.ReadFile(path) //nolint:gosec // the file that the person at the command line names
	if err != nil {
		return model.Invalid(ConfigFlag, "the file cannot be read", err.Error())
	}
	if err := k.Load(rawbytes.Provider(content), strictYAML{}); err != nil {
		return unreadable(path, err)
	}
	return nil
}

// strictYAML reads a settings file by the type that it is for, so that an
// unknown key and a value of the wrong type are errors that name their line.
// The YAML that comes with koanf knows neither.
type strictYAML struct{}

// Unmarshal gives the values of the keys that the file has.
func (strictYAML) Unmarshal(content []byte) (map[string]any, error) {
	cfg := server.Defaults()
	d := yaml.NewDecoder(bytes.NewReader(content))
	d.KnownFields(true)
	if err := d.Decode(&cfg); errors.Is(err, io.EOF) {
		return map[string]any{}, nil
	} else if err != nil {
		return nil, err
	}
	var given, all map[string]any
	if err := yaml.Unmarshal(content, &given); err != nil {
		return nil, err
	}
	typed, err := yaml.Marshal(cfg) //nolint:gosec // its secret-env are names of variables
	if err == nil {
		err = yaml.Unmarshal(typed, &all)
	}
	maps.DeleteFunc(all, func(key string, _ any) bool { _, ok := given[key]; return !ok })
	return all, err
}

// Marshal is koanf's wish; nothing writes settings.
func (strictYAML) Marshal(all map[string]any) ([]byte, error) { return yaml.Marshal(all) }

// unreadable says what is wrong with the settings file, in its own words.
func unreadable(path string, err error) error {
	message := strings.NewReplacer("yaml: unmarshal errors:\n  ", "", "yaml: ", "", "\n  ", "; ").Replace(err.Error())
	hint := "its keys are the names of the flags, such as store: sqlite:souk.db"
	if found := unknownKey.FindStringSubmatch(message); found != nil {
		message = strings.Replace(message, found[0], fmt.Sprintf("there is no setting %q", found[1]), 1)
		if near := model.Nearest(found[1], Names()); near != "" {
			hint = "did you mean " + near + "? " + hint
		}
	}
	return model.Invalid(ConfigFlag, path+": "+message, hint)
}

var unknownKey = regexp.MustCompile(`field (\S+) not found in type \S+`)
