// Package scaffold begins plugins. It owns the files of a new one, with the copy
// of the SDK that it is built against, since no registry has that; it refuses to
// write over anything.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"text/template"

	"github.com/souk-mesh/souk/sdk"
)

// What every copy of the SDK is built with: the Go version and the modules that
// it needs, their checksums, and the licence. Where the SDK comes to need another
// module, the test of `souk plugin new` does not build any more: go run ./generate.
//
//go:embed require.txt go.sum.txt LICENSE.txt
var module embed.FS

//go:embed all:templates
var templates embed.FS

// Plugin says what to begin.
type Plugin struct {
	Name   string // of the plugin, and of its folder
	Module string // the path of the Go module; example.com/NAME when empty
}

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

// ErrName is for a name that no plugin may have.
var ErrName = errors.New("a plugin's name is of small letters, digits and dashes, begins with a letter and has at most 40")

// Go writes a plugin in Go to a new folder.
func Go(dir string, p Plugin) error {
	if !namePattern.MatchString(p.Name) {
		return ErrName
	}
	if p.Module == "" {
		p.Module = "example.com/" + p.Name
	}
	if err := os.Mkdir(dir, 0o755); err != nil { //nolint:gosec // for colleagues to read
		return err
	}
	if err := fill(dir, "go", p); err != nil {
		return err
	}
	return goSDK(filepath.Join(dir, "souk"))
}

// Python writes a plugin in Python to a new folder.
func Python(dir string, p Plugin) error {
	if !namePattern.MatchString(p.Name) {
		return ErrName
	}
	if err := os.Mkdir(dir, 0o755); err != nil { //nolint:gosec // for colleagues to read
		return err
	}
	if err := fill(dir, "python", p); err != nil {
		return err
	}
	licence, err := fs.ReadFile(module, "LICENSE.txt")
	if err != nil {
		return err
	}
	copied := filepath.Join(dir, "souk-sdk")
	return errors.Join(pythonSDK(copied), write(filepath.Join(copied, "LICENSE"), licence))
}

// pythonSDK writes what pip installs.
func pythonSDK(dir string) error {
	tree, err := fs.Sub(sdk.OwnSource(), "python")
	if err != nil {
		return err
	}
	return copyTree(tree, dir, func(name string) bool {
		return !strings.HasPrefix(name, ".") && name != "generate" && name != "__pycache__" && !strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, ".egg-info")
	})
}

// fill writes the templates of a language.
func fill(dir, language string, p Plugin) error {
	root := "templates/" + language
	return fs.WalkDir(templates, root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(templates, name)
		if err != nil {
			return err
		}
		to := strings.TrimPrefix(name, root+"/")
		if plain, is := strings.CutSuffix(to, ".tmpl"); is {
			if text, err = p.complete(name, string(text)); err != nil {
				return err
			}
			to = plain
		}
		return write(filepath.Join(dir, filepath.FromSlash(to)), text)
	})
}

func (p Plugin) complete(name, text string) ([]byte, error) {
	t, err := template.New(name).Delims("<<", ">>").Parse(text)
	if err != nil {
		return nil, err
	}
	requires, err := fs.ReadFile(module, "require.txt")
	if err != nil {
		return nil, err
	}
	sums, err := fs.ReadFile(module, "go.sum.txt")
	if err != nil {
		return nil, err
	}
	goVersion, modules, _ := strings.Cut(string(requires), "\n")
	var out bytes.Buffer
	err = t.Execute(&out, map[string]string{"Name": p.Name, "Module": p.Module, "Go": goVersion, "Require": modules, "Sums": string(sums), "Package": strings.ReplaceAll(p.Name, "-", "_")})
	return out.Bytes(), err
}

// goSDK writes the packages of the SDK, without their tests, as a module. What
// carries this very copy stays behind.
func goSDK(dir string) error {
	err := copyTree(sdk.OwnSource(), filepath.Join(dir, "sdk"), func(name string) bool {
		return name != "python" && name != "own.go" && name != "testdata" && !strings.HasSuffix(name, "_test.go")
	})
	if err != nil {
		return err
	}
	requires, err := fs.ReadFile(module, "require.txt")
	if err != nil {
		return err
	}
	goVersion, modules, _ := strings.Cut(string(requires), "\n")
	mod := fmt.Sprintf("module github.com/souk-mesh/souk\n\n%s\n\n%s", goVersion, modules)
	sums, err := fs.ReadFile(module, "go.sum.txt")
	if err != nil {
		return err
	}
	licence, err := fs.ReadFile(module, "LICENSE.txt")
	if err != nil {
		return err
	}
	return errors.Join(write(filepath.Join(dir, "go.mod"), []byte(mod)), write(filepath.Join(dir, "go.sum"), sums), write(filepath.Join(dir, "LICENSE"), licence))
}

// copyTree writes the files whose names, and those of the folders
// that they lie in, are wanted.
func copyTree(source fs.FS, dir string, wanted func(name string) bool) error {
	return fs.WalkDir(source, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name == ".":
			return nil
		case !wanted(path.Base(name)) && d.IsDir():
			return fs.SkipDir
		case d.IsDir() || !wanted(path.Base(name)):
			return nil
		}
		text, err := fs.ReadFile(source, name)
		if err != nil {
			return err
		}
		return write(filepath.Join(dir, filepath.FromSlash(name)), text)
	})
}

func write(file string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // for colleagues to read
		return err
	}
	return os.WriteFile(file, text, 0o644) //nolint:gosec // for colleagues to read
}
