package policy

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
)

// The limits of one package, far above what people write by hand.
const (
	maxModuleSize = 64 << 10
	maxModules    = 20
	maxRules      = 200
	maxDepth      = 200 // of the parser
	maxNesting    = 3   // of comprehensions in one another
	maxLoops      = 3   // of "some .. in" in one body
)

// The folders of a tree of policies. Under domains, each folder is a domain.
const (
	folderLib      = "lib"
	folderPlatform = "platform"
	folderTemplate = "template"
	folderDomains  = "domains"
)

// source is the text of one package: its modules by their paths in the tree.
type source struct {
	pkg     string     // souk.domains.sales
	domain  model.Slug // "" unless it is a domain's own
	modules map[string]string
}

func isTest(file string) bool { return strings.HasSuffix(file, "_test.rego") }

// rules gives the modules without the tests.
func (s source) rules() map[string]string {
	rules := maps.Clone(s.modules)
	maps.DeleteFunc(rules, func(file, _ string) bool { return isTest(file) })
	return rules
}

// tree is everything that a folder of policies holds, by package.
type tree map[string]source

// readTree reads a folder of policies. What it lacks of the platform's own
// folders is what Souk ships, so that a company may keep nothing but domains.
func readTree(files fs.FS) (tree, error) {
	t := tree{}
	if err := t.read(files); err != nil {
		return nil, err
	}
	if len(t) == 0 {
		return nil, model.Invalid("policies", "the folder holds no Rego file",
			"put a domain's rules into domains/NAME/, or leave the folder out to use those that Souk ships")
	}
	shipped := tree{}
	if err := shipped.read(policies.Files); err != nil {
		return nil, err
	}
	for _, folder := range []string{folderLib, folderPlatform, folderTemplate, folderStandards, folderContract} {
		if _, ok := t["souk."+folder]; !ok {
			t["souk."+folder] = shipped["souk."+folder]
		}
	}
	return t, nil
}

func (t tree) read(files fs.FS) error {
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
		return t.put(file, text)
	})
}

// put adds a file to the package that it belongs to.
func (t tree) put(file, text string) error {
	s, err := place(file)
	if err != nil {
		return err
	}
	if _, ok := t[s.pkg]; !ok {
		t[s.pkg] = s
	}
	t[s.pkg].modules[file] = text
	return nil
}

// place tells which package a file belongs to, by its path.
func place(file string) (source, error) {
	parts := strings.Split(path.Dir(file), "/")
	switch {
	case slices.Contains([]string{folderLib, folderPlatform, folderTemplate, folderStandards, folderContract}, parts[0]):
		return source{pkg: "souk." + parts[0], modules: map[string]string{}}, nil
	case parts[0] == folderDomains && len(parts) > 1:
		domain := model.Slug(parts[1])
		if err := domain.Validate(file); err != nil {
			return source{}, err
		}
		pkg := domainPackage(domain)
		if len(parts) > 2 && parts[2] == folderStandards {
			pkg = standardsOf(domain)
		}
		return source{pkg: pkg, domain: domain, modules: map[string]string{}}, nil
	}
	return source{}, model.Invalid(file, "the file lies in no package", "move it to domains/NAME/, domains/NAME/standards/, platform/, standards/, lib/ or template/")
}

func domainPackage(domain model.Slug) string { return "souk." + folderDomains + "." + string(domain) }

func readModule(files fs.FS, file string) (string, error) {
	info, err := fs.Stat(files, file)
	if err != nil {
		return "", fmt.Errorf("read policies: %w", err)
	}
	if info.Size() > maxModuleSize {
		return "", tooLarge(file)
	}
	text, err := fs.ReadFile(files, file)
	if err != nil {
		return "", fmt.Errorf("read policies: %w", err)
	}
	return string(text), nil
}

func tooLarge(file string) error {
	return model.Invalid(file, fmt.Sprintf("the file is larger than %d KiB", maxModuleSize>>10), "split the rules over several files of the package")
}

// parse reads the modules. The engine's parser stops at the first error of
// each file; all files are read, so that the author hears of each.
func parse(modules map[string]string, caps *ast.Capabilities) (map[string]*ast.Module, error) {
	if len(modules) > 2*maxModules { // as many tests as rules
		return nil, model.Invalid("policies", fmt.Sprintf("the package has more than %d files", maxModules), "join small files, or split the domain")
	}
	parsed := make(map[string]*ast.Module, len(modules))
	var faults ast.Errors
	for _, file := range slices.Sorted(maps.Keys(modules)) {
		if len(modules[file]) > maxModuleSize {
			return nil, tooLarge(file)
		}
		m, err := parseModule(file, modules[file], caps)
		if err != nil {
			faults = append(faults, asErrors(err)...)
			continue
		}
		parsed[file] = m
	}
	if len(faults) > 0 {
		return nil, invalid(faults)
	}
	return parsed, nil
}

func parseModule(file, text string, caps *ast.Capabilities) (*ast.Module, error) {
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

func asErrors(err error) ast.Errors {
	if list, ok := errors.AsType[ast.Errors](err); ok {
		return list
	}
	if one, ok := errors.AsType[*ast.Error](err); ok {
		return ast.Errors{one}
	}
	return ast.Errors{&ast.Error{Code: ast.CompileErr, Message: err.Error()}}
}

// revision is the content address of what a package is compiled from.
func revision(sets ...map[string]string) string {
	h := sha256.New()
	fmt.Fprintf(h, "opa %s capabilities %s input %d\n", version.Version, capabilityVersion, inputVersion)
	for _, set := range sets {
		for _, file := range slices.Sorted(maps.Keys(set)) {
			text := strings.ReplaceAll(set[file], "\r\n", "\n")
			fmt.Fprintf(h, "%d %s %d\n%s", len(file), file, len(text), text)
		}
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}
