// Command generate writes what the copy of the SDK is built with, from the module
// that it runs in: require.txt and go.sum.txt have the modules that the SDK needs
// and no others. It refuses to choose a version: the module has.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	if err := generate(); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func generate() error {
	root, err := output(".", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return err
	}
	goVersion, err := output(root, "list", "-m", "-f", "go {{.GoVersion}}")
	if err != nil {
		return err
	}
	listed, err := output(root, "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}}{{end}}{{end}}", "./sdk/...")
	if err != nil {
		return err
	}
	modules := slices.Compact(slices.Sorted(strings.Lines(listed + "\n")))
	modules = slices.DeleteFunc(modules, func(line string) bool { return strings.TrimSpace(line) == "" })
	requires := "require (\n\t" + strings.Join(modules, "\t") + ")\n"
	sums, err := checksums(root, goVersion, requires)
	if err != nil {
		return err
	}
	licence, err := os.ReadFile(filepath.Join(root, "LICENSE")) //nolint:gosec // of this repository
	if err != nil {
		return err
	}
	return errors.Join(put("require.txt", []byte(goVersion+"\n"+requires)), put("go.sum.txt", sums), put("LICENSE.txt", licence))
}

// checksums are those that the go command wants of a module that has only the SDK.
func checksums(root, goVersion, requires string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "souk-generate")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := os.CopyFS(filepath.Join(dir, "sdk"), os.DirFS(filepath.Join(root, "sdk"))); err != nil {
		return nil, err
	}
	sums, err := os.ReadFile(filepath.Join(root, "go.sum")) //nolint:gosec // of this repository
	if err != nil {
		return nil, err
	}
	mod := "module github.com/souk-mesh/souk\n\n" + goVersion + "\n\n" + requires
	if err := errors.Join(put(filepath.Join(dir, "go.mod"), []byte(mod)), put(filepath.Join(dir, "go.sum"), sums)); err != nil {
		return nil, err
	}
	graph, err := output(dir, "mod", "graph")
	if err != nil {
		return nil, err
	}
	needed := map[string]bool{}
	for word := range strings.FieldsSeq(graph) {
		needed[word] = true
	}
	used := map[string]bool{}
	for line := range strings.Lines(requires) {
		if f := strings.Fields(line); len(f) == 2 {
			used[f[0]+" "+f[1]] = true
		}
	}
	var out bytes.Buffer
	for line := range strings.Lines(string(sums)) {
		f := strings.Fields(line) // module, version or version/go.mod, sum
		if version, isMod := strings.CutSuffix(f[1], "/go.mod"); isMod && needed[f[0]+"@"+version] || used[f[0]+" "+f[1]] {
			out.WriteString(line)
		}
	}
	return out.Bytes(), nil
}

// output is what the go command says.
func output(dir string, args ...string) (string, error) {
	cmd := exec.Command("go", args...) //nolint:gosec,noctx // the go command, for as long as it takes
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}

func put(path string, text []byte) error {
	return os.WriteFile(path, text, 0o600) //nolint:gosec // of this folder, or of one of our own
}
