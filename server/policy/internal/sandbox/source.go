// Package sandbox is what a package of rules is and what it may do. It owns the
// text of a package and where it lies, the parser and the compiler with the
// pin on their references, the functions that rules may call and the meter on
// those that grow, and the budget of one evaluation.
//
// It refuses every way out of a package, whatever costs more than a healthy
// rule, and to understand an answer: what the packages say is read by package
// verdict.
package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/version"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/policies"
	"github.com/souk-mesh/souk/server/policy/internal/question"
)

// The limits of one package, far above what people write by hand.
const (
	MaxModuleSize = 64 << 10
	MaxModules    = 20
	MaxRules      = 200
	maxDepth      = 200 // of the parser
	MaxNesting    = 3   // of comprehensions in one another
	MaxLoops      = 3   // of "some .. in" in one body
)

// The folders of a tree of policies. Under domains, each folder is a domain.
const (
	FolderLib      = "lib"
	FolderPlatform = "platform"
	FolderTemplate = "template"
	FolderDomains  = "domains"
)

// Source is the text of one package: its modules by their paths in the tree.
type Source struct {
	Pkg     string     // souk.domains.sales
	Domain  model.Slug // "" unless it is a domain's own
	Modules map[string]string
}

// IsTest recognises a file of tests by its name.
func IsTest(file string) bool { return strings.HasSuffix(file, "_test.rego") }

// RuleFiles gives the modules without the tests.
func (s Source) RuleFiles() map[string]string {
	rules := maps.Clone(s.Modules)
	maps.DeleteFunc(rules, func(file, _ string) bool { return IsTest(file) })
	return rules
}

// Tree is everything that a folder of policies holds, by package.
type Tree map[string]Source

// ReadTree reads a folder of policies. What it lacks of the platform's own
// folders is what Souk ships, so that a company may keep nothing but domains.
func ReadTree(files fs.FS) (Tree, error) {
	t := Tree{}
	if err := t.Read(files); err != nil {
		return nil, err
	}
	if len(t) == 0 {
		return nil, model.Invalid("policies", "the folder holds no Rego file",
			"put a domain's rules into domains/NAME/, or leave the folder out to use those that Souk ships")
	}
	shipped := Tree{}
	if err := shipped.Read(policies.Files); err != nil {
		return nil, err
	}
	for _, folder := range []string{FolderLib, FolderPlatform, FolderTemplate, folderStandards, FolderContract} {
		if _, ok := t["souk."+folder]; !ok {
			t["souk."+folder] = shipped["souk."+folder]
		}
	}
	return t, nil
}

// Read adds every Rego file of the folder.
func (t Tree) Read(files fs.FS) error {
	return fs.WalkDir(files, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("read policies: %w", err)
		}
		if d.IsDir() || !strings.HasSuffix(file, ".rego") {
			return nil
		}
		text, err := readModule(files, file)
		if err != nil {
			return err
		}
		return t.Put(file, text)
	})
}

// Put adds a file to the package that it belongs to.
func (t Tree) Put(file, text string) error {
	s, err := Place(file)
	if err != nil {
		return err
	}
	if _, ok := t[s.Pkg]; !ok {
		t[s.Pkg] = s
	}
	t[s.Pkg].Modules[file] = text
	return nil
}

// Place tells which package a file belongs to, by its path.
func Place(file string) (Source, error) {
	parts := strings.Split(path.Dir(file), "/")
	switch {
	case slices.Contains([]string{FolderLib, FolderPlatform, FolderTemplate, folderStandards, FolderContract}, parts[0]):
		return Source{Pkg: "souk." + parts[0], Modules: map[string]string{}}, nil
	case parts[0] == FolderDomains && len(parts) > 1:
		domain := model.Slug(parts[1])
		if err := domain.Validate(file); err != nil {
			return Source{}, err
		}
		pkg := domainPackage(domain)
		if len(parts) > 2 && parts[2] == folderStandards {
			pkg = StandardsOf(domain)
		}
		return Source{Pkg: pkg, Domain: domain, Modules: map[string]string{}}, nil
	}
	return Source{}, model.Invalid(file, "the file lies in no package", "move it to domains/NAME/, domains/NAME/standards/, platform/, standards/, lib/ or template/")
}

func domainPackage(domain model.Slug) string { return "souk." + FolderDomains + "." + string(domain) }

func readModule(files fs.FS, file string) (string, error) {
	info, err := fs.Stat(files, file)
	if err != nil {
		return "", fmt.Errorf("read policies: %w", err)
	}
	if info.Size() > MaxModuleSize {
		return "", tooLarge(file)
	}
	text, err := fs.ReadFile(files, file)
	if err != nil {
		return "", fmt.Errorf("read policies: %w", err)
	}
	return string(text), nil
}

func tooLarge(file string) error {
	return model.Invalid(file, fmt.Sprintf("the file is larger than %d KiB", MaxModuleSize>>10), "split the rules over several files of the package")
}

// Parse reads the modules. The engine's parser stops at the first error of
// each file; all files are read, so that the author hears of each.
func Parse(modules map[string]string, caps *ast.Capabilities) (map[string]*ast.Module, error) {
	if len(modules) > 2*MaxModules { // as many tests as rules
		return nil, model.Invalid("policies", fmt.Sprintf("the package has more than %d files", MaxModules), "join small files, or split the domain")
	}
	parsed := make(map[string]*ast.Module, len(modules))
	var faults ast.Errors
	for _, file := range slices.Sorted(maps.Keys(modules)) {
		if len(modules[file]) > MaxModuleSize {
			return nil, tooLarge(file)
		}
		m, err := ParseModule(file, modules[file], caps)
		if err != nil {
			faults = append(faults, AsErrors(err)...)
			continue
		}
		parsed[file] = m
	}
	if len(faults) > 0 {
		return nil, Invalid(faults)
	}
	return parsed, nil
}

// ParseModule reads one file.
func ParseModule(file, text string, caps *ast.Capabilities) (*ast.Module, error) {
	if deep(text) {
		return nil, ast.Errors{ast.NewError(ast.ParseErr, &ast.Location{File: file, Row: 1},
			"the brackets nest more than %d deep", maxDepth)}
	}
	m, err := ast.ParseModuleWithOpts(file, text, ast.ParserOptions{Capabilities: caps, ProcessAnnotation: true, RegoVersion: ast.RegoV1})
	if err == nil && m == nil {
		return nil, ast.Errors{ast.NewError(ast.ParseErr, &ast.Location{File: file, Row: 1}, "the file is empty")}
	}
	return m, err
}

// deep reports brackets that nest too deep, before the parser descends into
// them. Brackets inside texts count as well, which harms nobody.
func deep(text string) bool {
	depth := 0
	for _, r := range text {
		switch r {
		case '(', '[', '{':
			if depth++; depth > maxDepth {
				return true
			}
		case ')', ']', '}':
			depth = max(0, depth-1)
		}
	}
	return false
}

// AsErrors gives the errors of the engine one by one.
func AsErrors(err error) ast.Errors {
	if list, ok := errors.AsType[ast.Errors](err); ok {
		return list
	}
	if one, ok := errors.AsType[*ast.Error](err); ok {
		return ast.Errors{one}
	}
	return ast.Errors{&ast.Error{Code: ast.CompileErr, Message: err.Error()}}
}

// Revision is the content address of what a package is compiled from.
func Revision(sets ...map[string]string) string {
	h := sha256.New()
	fmt.Fprintf(h, "opa %s capabilities %s input %d\n", version.Version, capabilityVersion, question.InputVersion)
	for _, set := range sets {
		for _, file := range slices.Sorted(maps.Keys(set)) {
			text := strings.ReplaceAll(set[file], "\r\n", "\n")
			fmt.Fprintf(h, "%d %s %d\n%s", len(file), file, len(text), text)
		}
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}
