package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// FixtureFile is the name of a fixture that lies beside a program.
const FixtureFile = "plugintest.json"

// fixtureFile is a fixture as it stands in a file. Paths are relative to its
// folder, for which ${DIR} stands in configurations and commands.
type fixtureFile struct {
	Config     json.RawMessage   `json:"config"`
	Secrets    map[string]string `json:"secrets"` // by dotted path, as env:NAME, file:PATH or value:TEXT
	Folders    []string          `json:"folders"`
	BadConfigs []struct {
		Name    string            `json:"name"`
		Config  json.RawMessage   `json:"config"`
		Secrets map[string]string `json:"secrets"`
		Class   sdk.Class         `json:"class"`
		Field   string            `json:"field"`
	} `json:"badConfigs"`
	Golden    string            `json:"golden"`
	Replace   map[string]string `json:"replace"`
	Kills     int               `json:"kills"`
	Previous  string            `json:"previous"` // the badge of the last release
	Mutations []struct {
		Name       string   `json:"name"`
		Do         []string `json:"do"` // a command, as are all of these
		Undo       []string `json:"undo"`
		Added      []string `json:"added"`
		Removed    []string `json:"removed"`
		Changed    []string `json:"changed"`
		Incomplete []string `json:"incomplete"`
	} `json:"mutations"`
	Scale *struct {
		Prepare []string          `json:"prepare"` // with ${N} assets and ${TMP}, a folder that is removed afterwards
		Config  json.RawMessage   `json:"config"`  // "${N}" is the number
		Secrets map[string]string `json:"secrets"`
		Few     int               `json:"few"`
		Many    int               `json:"many"`
	} `json:"scale"`
	Grants *struct {
		Grant  sdk.Grant `json:"grant"`
		Change []string  `json:"change"` // a command, as is undo
		Undo   []string  `json:"undo"`
	} `json:"grants"`
	Wide    json.RawMessage   `json:"wide"`
	Address string            `json:"address"` // the field at whose address the source answers over HTTP
	Skip    map[string]string `json:"skip"`
}

// ReadFixture reads a fixture from a file of JSON. What it makes lies in a
// folder that done removes.
func ReadFixture(path string) (f Fixture, done func(), err error) {
	content, err := os.ReadFile(path) //nolint:gosec // the file that the plugin's author names
	if err != nil {
		return f, nil, err
	}
	d := json.NewDecoder(bytes.NewReader(content))
	d.DisallowUnknownFields()
	var in fixtureFile
	if err := d.Decode(&in); err != nil {
		return f, nil, fmt.Errorf("%s: %w", path, err)
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return f, nil, err
	}
	tmp, err := os.MkdirTemp("", "souk-fixture")
	if err != nil {
		return f, nil, err
	}
	done = func() { _ = os.RemoveAll(tmp) }
	p := place{dir, tmp}
	if f, err = in.fixture(p); err != nil {
		done()
		return f, nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, done, nil
}

// place is where a fixture lies.
type place struct{ dir, tmp string }

func (p place) path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(p.dir, name)
}

// json puts what the words stand for into a configuration.
func (p place) json(config json.RawMessage, more ...string) json.RawMessage {
	if config == nil {
		return nil
	}
	within := func(text string) string { // as it stands within quotes
		quoted, _ := json.Marshal(text) // a string has a form in JSON
		return string(quoted[1 : len(quoted)-1])
	}
	pairs := append([]string{"${DIR}", within(p.dir), "${TMP}", within(p.tmp)}, more...)
	return json.RawMessage(strings.NewReplacer(pairs...).Replace(string(config)))
}

func (in *fixtureFile) fixture(p place) (f Fixture, err error) {
	f = Fixture{
		Config: p.json(in.Config), Replace: in.Replace, Kills: in.Kills, Golden: p.path(in.Golden), Wide: p.json(in.Wide), Skip: in.Skip, Address: in.Address,
	}
	for _, folder := range in.Folders {
		f.Folders = append(f.Folders, p.path(folder))
	}
	if f.Secrets, err = Secrets(in.Secrets, p.dir); err != nil {
		return f, err
	}
	for _, b := range in.BadConfigs {
		bad := BadConfig{Name: b.Name, Config: p.json(b.Config), Class: b.Class, Field: b.Field}
		if bad.Secrets, err = Secrets(b.Secrets, p.dir); err != nil {
			return f, err
		}
		f.BadConfigs = append(f.BadConfigs, bad)
	}
	if in.Previous != "" {
		b, err := ReadBadge(p.path(in.Previous))
		if err != nil {
			return f, err
		}
		f.Previous = b.Description()
	}
	for _, m := range in.Mutations {
		f.Mutations = append(f.Mutations, Mutation{
			Name: m.Name, Do: p.command(m.Do), Undo: p.command(m.Undo), Added: m.Added, Removed: m.Removed, Changed: m.Changed, Incomplete: m.Incomplete,
		})
	}
	if g := in.Grants; g != nil {
		f.Grants = &Grants{Grant: g.Grant, Change: p.command(g.Change), Undo: p.command(g.Undo)}
	}
	if in.Scale != nil {
		f.Scale = in.scale(p)
	}
	return f, nil
}

func (in *fixtureFile) scale(p place) *Scale {
	s := in.Scale
	return &Scale{Few: s.Few, Many: s.Many, Config: func(ctx context.Context, n int) (json.RawMessage, map[string]string, error) {
		number := strconv.Itoa(n)
		tmp, err := os.MkdirTemp(p.tmp, "scale")
		if err != nil {
			return nil, nil, err
		}
		p := place{p.dir, tmp}
		if len(s.Prepare) > 0 {
			if err := p.command(s.Prepare, "${N}", number)(ctx); err != nil {
				return nil, nil, err
			}
		}
		secrets, err := Secrets(s.Secrets, p.dir)
		return p.json(s.Config, `"${N}"`, number, "${N}", number), secrets, err
	}}
}

// command runs a program in the fixture's folder.
func (p place) command(argv []string, more ...string) func(context.Context) error {
	return func(ctx context.Context) error {
		if len(argv) == 0 {
			return errors.New("the fixture names no command")
		}
		words := strings.NewReplacer(append([]string{"${DIR}", p.dir, "${TMP}", p.tmp}, more...)...)
		args := make([]string, len(argv))
		for i, word := range argv {
			args[i] = words.Replace(word)
		}
		cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // what the fixture's author wrote
		cmd.Dir = p.dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, cut(string(out)))
		}
		return nil
	}
}

// Secrets resolves references by field: env:NAME, file:PATH, relative to the
// folder, and value:TEXT for a secret that is made up.
func Secrets(references map[string]string, dir string) (map[string]string, error) {
	if len(references) == 0 {
		return nil, nil //nolint:nilnil // no secrets are nothing wrong
	}
	secrets := map[string]string{}
	for _, field := range slices.Sorted(maps.Keys(references)) {
		scheme, rest, _ := strings.Cut(references[field], ":")
		switch scheme {
		case "value":
			secrets[field] = rest
		case "env":
			value, has := os.LookupEnv(rest)
			if !has {
				return nil, fmt.Errorf("the secret %s: there is no variable %s", field, rest)
			}
			secrets[field] = value
		case "file":
			content, err := os.ReadFile(place{dir: dir}.path(rest))
			if err != nil {
				return nil, fmt.Errorf("the secret %s: %w", field, err)
			}
			secrets[field] = strings.TrimRight(string(content), "\r\n")
		default:
			return nil, fmt.Errorf("the secret %s: write env:NAME, file:PATH or value:TEXT", field)
		}
	}
	return secrets, nil
}
