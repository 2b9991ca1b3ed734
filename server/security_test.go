package server_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	quoted   = regexp.MustCompile("`([^`]*)`")
	proof    = regexp.MustCompile(`^(?:\./)?(server|plugins|sdk|graph|policies)(/[\w/.]*?)?(/\.\.\.)? -run '?([^']+)'?$`)
	declared = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
)

// TestSecurityNamesTests: each test that SECURITY.md names is there, so that a
// test which is renamed or removed takes no threat's defence with it unseen.
func TestSecurityNamesTests(t *testing.T) {
	page, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "\n|---")
	named := 0
	for _, code := range quoted.FindAllStringSubmatch(table, -1) {
		said := proof.FindStringSubmatch(strings.ReplaceAll(code[1], `\|`, "|"))
		if said == nil {
			if strings.Contains(code[1], "-run ") {
				t.Errorf("%q names no package", code[1])
			}
			continue
		}
		tests := testsIn(t, filepath.Join("..", said[1]+said[2]), said[3] != "")
		for one := range strings.SplitSeq(said[4], "|") {
			named++
			name, _, _ := strings.Cut(one, "/") // behind it stands a part of the test
			if !regexp.MustCompile("(?m)" + name).MatchString(tests) {
				t.Errorf("%s has no test %q", said[1]+said[2], one)
			}
		}
	}
	if named < 80 {
		t.Errorf("only %d tests are named: the page is not read as it is written", named)
	}
}

// testsIn lists the tests of a folder, or of all below it.
func testsIn(t *testing.T, folder string, below bool) string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(folder, func(path string, e os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && path != folder && !below:
			return filepath.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		for _, f := range declared.FindAllStringSubmatch(string(text), -1) {
			names = append(names, f[1])
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return strings.Join(names, "\n")
}
