package sandbox

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
)

// FuzzPin looks for a module that the sandbox accepts although it reaches out
// of its package. The judge is another walk than the pin's: the engine compiles
// the module again without any of our stages, and every reference that is left
// in the finished tree must begin with the own package or the library.
func FuzzPin(f *testing.F) {
	files, err := filepath.Glob("../../testdata/hostile/*.rego")
	if err != nil || len(files) == 0 {
		f.Fatal("no corpus", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("package souk.domains.mallory\n\nimport rego.v2\n\nallow contains {\"code\": \"x\", \"message\": \"x\"} if input.v == 1\n")
	s := Source{Pkg: "souk.domains.mallory", Domain: "mallory"}
	const file = "domains/mallory/attack.rego"
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := CompileModules(s, map[string]string{file: text}, nil, false); err != nil {
			return
		}
		m, err := ast.ParseModuleWithOpts(file, text, ast.ParserOptions{})
		if err != nil {
			t.Fatalf("accepted what does not parse: %v", err)
		}
		c := ast.NewCompiler()
		if c.Compile(map[string]*ast.Module{file: m}); c.Failed() {
			t.Fatalf("accepted what does not compile: %v", c.Errors)
		}
		for _, rule := range c.Modules[file].Rules {
			ast.WalkRefs(rule, func(r ast.Ref) bool {
				if name := r.String(); strings.HasPrefix(name, "data") && !strings.HasPrefix(name+".", "data."+s.Pkg+".") && !strings.HasPrefix(name+"[", "data."+s.Pkg+"[") && !strings.HasPrefix(name, "data.souk.lib") {
					t.Fatalf("reaches %s:\n%s", name, text)
				}
				return false
			})
		}
	})
}
