package main

import (
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/policies"
	"github.com/souk-mesh/souk/server/policy"
)

// policyCommands are the parts of souk policy. Those of the second half talk to
// a running server, in the name of whose token they are given.
func policyCommands(p *program) []*cobra.Command {
	return []*cobra.Command{
		policyNew(p), policyCheck(p), policyFmt(p), policyTest(p),
		policyImpact(p), policyPublish(p), policyRollback(p), policyExplain(p),
	}
}

// folder opens the one folder of policies that a command names.
func (f *flags) folder() (string, error) {
	dir := f.Arg(0)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return "", model.Invalid("policies", "is no folder: "+dir, "name the folder that holds domains/")
	}
	return dir, nil
}

// drafts reads what the folder holds of each domain's rules, the tests too.
func drafts(files fs.FS) (map[model.Slug]policy.Draft, error) {
	found := map[model.Slug]policy.Draft{}
	err := fs.WalkDir(files, ".", func(file string, d fs.DirEntry, err error) error {
		parts := strings.Split(file, "/")
		if err != nil || d.IsDir() || path.Ext(file) != ".rego" || parts[0] != "domains" || len(parts) < 3 {
			return err
		}
		text, err := fs.ReadFile(files, file)
		if err != nil {
			return err
		}
		domain := model.Slug(parts[1])
		draft := found[domain]
		draft.Domain = domain
		draft.Modules = append(draft.Modules, model.PolicyModule{Path: file, Text: string(text)})
		found[domain] = draft
		return nil
	})
	return found, err
}

// draftOf reads the rules of one domain: the one that is named, or the only one.
func draftOf(files fs.FS, name string) (policy.Draft, error) {
	all, err := drafts(files)
	if err != nil {
		return policy.Draft{}, err
	}
	names := slices.Sorted(maps.Keys(all))
	switch {
	case name != "":
		if d, ok := all[model.Slug(name)]; ok {
			return d, nil
		}
		return policy.Draft{}, model.Invalid("domain", "the folder holds no rules of "+name, "put them into domains/"+name+"/")
	case len(names) == 1:
		return all[names[0]], nil
	case len(names) == 0:
		return policy.Draft{}, model.Invalid("policies", "the folder holds no domain's rules", "put them into domains/NAME/")
	}
	return policy.Draft{}, model.Invalid("domain", "the folder holds the rules of "+model.Counted(len(names), "domain"), "choose one with --domain: "+join(names))
}

func join[S ~string](words []S) string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = string(w)
	}
	return strings.Join(all, ", ")
}

// platformOf is the folder without its domains: what their rules are checked
// beside. Where the folder has nothing else, it is what Souk ships.
func platformOf(files fs.FS) (fs.FS, error) {
	rest := withoutDomains{files}
	found := false
	err := fs.WalkDir(rest, ".", func(file string, _ fs.DirEntry, err error) error {
		found = found || path.Ext(file) == ".rego"
		return err
	})
	if err != nil || found {
		return rest, err
	}
	return policies.Files, nil
}

type withoutDomains struct{ fs.FS }

// ReadDir lists the folder without domains.
func (w withoutDomains) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(w.FS, name)
	if name == "." {
		entries = slices.DeleteFunc(entries, func(e fs.DirEntry) bool { return e.Name() == "domains" })
	}
	return entries, err
}

// servePolicies is how the program asks itself to try rules of strangers in a
// process of their own.
const servePolicies = "policy-child"

// policyChild is the command of that process; where this program cannot be
// found again, rules are tried in this one.
func policyChild() []string {
	path, err := os.Executable()
	if err != nil {
		return nil
	}
	return []string{path, servePolicies}
}
