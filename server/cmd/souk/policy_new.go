package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/policies"
)

// policyNew writes rules for people who write none.
func policyNew(p *program) *cobra.Command {
	f := p.command("new [FOLDER]", "write the rules of a domain from a template, with their tests")
	list := f.Bool("list", false, "list the templates and what each asks for")
	name := f.String("template", "", "`name` of the template")
	domain := f.String("domain", "", "`name` of the domain")
	values := settingsFlag{}
	f.Var(values, "set", "`KEY=VALUE`, something that the template asks for (may be repeated)")
	return f.runs(func(_ context.Context) error {
		if *list {
			p.listTemplates()
			return nil
		}
		if *name == "" || *domain == "" {
			return fmt.Errorf("wants --template and --domain, or --list: %w", errUsage)
		}
		dir := "."
		if f.NArg() == 1 {
			dir = f.Arg(0)
		}
		if err := model.Slug(*domain).Validate("domain"); err != nil {
			return err
		}
		files, err := startFrom(*name, *domain, values)
		if err != nil {
			return err
		}
		return p.writePolicies(dir, filepath.Join("domains", *domain, *name+".rego"), files)
	})
}

func startFrom(name, domain string, values map[string]string) (map[string]string, error) {
	all := policies.Templates()
	i := slices.IndexFunc(all, func(t policies.Template) bool { return t.Name == name })
	if i < 0 {
		names := make([]string, len(all))
		for i, t := range all {
			names[i] = t.Name
		}
		return nil, model.Invalid("template", fmt.Sprintf("there is no template %q", name), strings.TrimSpace(nearestTemplate(name, names)+" use one of "+strings.Join(names, ", ")))
	}
	files, err := all[i].Start(domain, values)
	if err != nil {
		return nil, model.Invalid("set", strings.ReplaceAll(err.Error(), "\n", "; "), "give it as --set NAME=VALUE; souk policy new --list tells what "+name+" asks for")
	}
	return files, nil
}

func nearestTemplate(name string, names []string) string {
	if near := model.Nearest(name, names); near != "" {
		return "did you mean " + near + "?"
	}
	return ""
}

func (p *program) listTemplates() {
	for _, t := range policies.Templates() {
		fmt.Fprintf(p.stdout, "%s\n    %s\n", t.Name, t.Summary)
		for _, s := range t.Settings {
			value := "has to be given"
			if s.Default != "" {
				value = "by default " + s.Default
			}
			fmt.Fprintf(p.stdout, "    --set %s=...  %s (%s, %s)\n", s.Name, s.Meaning, s.Kind, value)
		}
	}
}

// writePolicies writes the files that are not there yet. What somebody has
// written already stays; the rules of the template itself must be new.
func (p *program) writePolicies(dir, rules string, files map[string]string) error {
	if _, err := os.Stat(filepath.Join(dir, rules)); !errors.Is(err, fs.ErrNotExist) {
		return model.Invalid("template", filepath.Join(dir, rules)+" is there already", "change it by hand, or remove it first")
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // rules are for colleagues to read
			return err
		}
		out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // rules are for colleagues to read
		if errors.Is(err, fs.ErrExist) {
			fmt.Fprintf(p.stdout, "kept   %s\n", file)
			continue
		}
		if err != nil {
			return err
		}
		_, err = out.WriteString(files[name])
		if err = errors.Join(err, out.Close()); err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "wrote  %s\n", file)
	}
	fmt.Fprintf(p.stdout, "\nTry the rules with: souk policy test %s\n", dir)
	return nil
}

// settingsFlag collects KEY=VALUE.
type settingsFlag map[string]string

// String is empty: there is no default to show.
func (settingsFlag) String() string { return "" }

// Type is what a value of it is called.
func (settingsFlag) Type() string { return "KEY=VALUE" }

// Set takes one over.
func (s settingsFlag) Set(text string) error {
	key, value, ok := strings.Cut(text, "=")
	if !ok || key == "" {
		return errors.New("write it as KEY=VALUE")
	}
	s[key] = value
	return nil
}
