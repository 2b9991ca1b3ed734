package sdk

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/souk-mesh/souk/sdk/internal/secret"
)

// Registration is a plugin whose configuration type has been forgotten, so that
// plugins of all kinds stand in one list. The zero value is no plugin.
type Registration struct {
	info    Info
	shape   *shape
	schema  json.RawMessage
	secrets []string
	open    func(ctx context.Context, config []byte, env Env) (Source, error)
	judge   func(config []byte) error // nil where the schema says all
}

// Register makes a plugin known. It panics when the configuration type cannot
// be described by a JSON Schema, which is a mistake of the program.
func Register[C any](p Plugin[C]) Registration {
	s := shapeOf(reflect.TypeFor[C]())
	s.Schema, s.Title = "https://json-schema.org/draft/2020-12/schema", p.Info.Name
	schema, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic(fmt.Sprintf("plugin %s: describe the configuration: %v", p.Info.Name, err))
	}
	r := Registration{
		info: p.Info, shape: s, schema: schema, secrets: s.secretPaths(""),
		open: func(ctx context.Context, config []byte, env Env) (Source, error) {
			c, err := read[C](config)
			if err != nil {
				return nil, err
			}
			return p.Open(ctx, c, env)
		},
	}
	if p.Judge != nil {
		r.judge = func(config []byte) error {
			c, err := read[C](config)
			if err != nil {
				return err
			}
			return p.Judge(c)
		}
	}
	return r
}

func read[C any](config []byte) (C, error) {
	var c C
	if err := json.Unmarshal(config, &c); err != nil {
		return c, Config("", "the configuration has the wrong shape", "compare it with the plugin's schema")
	}
	return c, nil
}

// Info describes the plugin.
func (r Registration) Info() Info {
	i := r.info
	i.Emits, i.Offers = slices.Clone(i.Emits), slices.Clone(i.Offers)
	return i
}

// Schema is the JSON Schema 2020-12 of the configuration. Fields that hold a
// secret are marked with x-secret and are never required there, since secrets
// travel apart from the configuration; x-required says that one must be given.
func (r Registration) Schema() json.RawMessage { return bytes.Clone(r.schema) }

// SecretFields lists the dotted paths of the fields that hold a secret.
func (r Registration) SecretFields() []string { return slices.Clone(r.secrets) }

// Open checks the configuration against the schema, fills in the defaults, puts
// the secrets into their fields and opens the source. What is wrong with the
// configuration comes back as an *Error of ClassConfig that names the field.
func (r Registration) Open(ctx context.Context, config json.RawMessage, secrets map[string]string, env Env) (Source, error) {
	if r.open == nil {
		return nil, &Error{Class: ClassInternal, Code: "no_plugin", Message: "there is no such plugin", Fix: "name one of the registered plugins"}
	}
	env = r.furnish(env, config, secrets)
	complete, err := r.complete(config, secrets)
	if err != nil {
		return nil, err
	}
	var source Source
	err = guard(env.Log, func() (err error) {
		source, err = r.open(ctx, complete, env)
		return err
	})
	if err != nil {
		return nil, err
	}
	return source, nil
}

// Judge checks the configuration against the schema, and asks the plugin what
// it has against it. Nothing is opened. What is wrong comes back as an *Error of
// ClassConfig that names the field.
func (r Registration) Judge(config json.RawMessage, log *slog.Logger) error {
	object, err := r.fit(config)
	if err != nil || r.judge == nil {
		return err
	}
	fitting, err := json.Marshal(object)
	if err != nil {
		return err
	}
	return guard(log, func() error { return r.judge(fitting) })
}

func (r Registration) furnish(env Env, config json.RawMessage, secrets map[string]string) Env {
	if env.Log == nil {
		env.Log = slog.New(slog.DiscardHandler)
	}
	env.Log = slog.New(striking{env.Log.Handler(), r.secretSet(config, secrets)})
	if env.Now == nil {
		env.Now = func() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
	}
	return env
}

func (r Registration) secretSet(config json.RawMessage, secrets map[string]string) secret.Set {
	return secret.New(slices.Collect(maps.Values(secrets)), r.info.Name+" "+string(config))
}
