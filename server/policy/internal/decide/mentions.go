package decide

import (
	"maps"
	"regexp"
	"slices"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
	"github.com/souk-mesh/souk/server/policy/internal/usage"
)

// Owns reports whether rules or standards of the domain's own are in force.
func (s *Snapshot) Owns(domain model.Slug) bool {
	return s.domains[domain] != nil || s.standards[domain] != nil
}

// Mentions lists the files of the rules in force that speak of the name: they
// hold a text in which it stands as a word, or as DOMAIN/NAME. A name that rules
// put together from parts is not seen.
func (s *Snapshot) Mentions(name string) []string {
	files := map[string]bool{}
	for _, u := range s.packages() {
		for file, module := range u.Compiler.Modules {
			if !sandbox.IsTest(file) && !files[file] && usage.SpeaksOf(module, name) {
				files[file] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(files))
}

func (s *Snapshot) packages() []*Package {
	all := []*Package{s.platform, s.template}
	all = slices.AppendSeq(all, maps.Values(s.domains))
	return slices.AppendSeq(all, maps.Values(s.standards))
}

var quotedAction = regexp.MustCompile(`"(app\.[A-Za-z0-9][A-Za-z0-9_.:/-]{0,99})"`)

// AppActions lists the actions of applications that the rules of the domain
// spell out, sorted. One that a remark mentions is among them, and does no
// harm: the rules are asked about each.
func (s *Snapshot) AppActions(domain model.Slug) []model.Action {
	var found []model.Action
	for _, text := range s.Of(domain).RuleFiles() {
		for _, match := range quotedAction.FindAllStringSubmatch(text, -1) {
			found = append(found, model.Action(match[1]))
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// Reads gives the paths of the input, such as subject.name, that the rules
// over a domain's resources read: the platform's, the domain's, and the
// consent of those who may ask. "" is the input as a whole.
func (s *Snapshot) Reads(domain model.Slug) []string {
	paths := map[string]bool{}
	for _, path := range s.platform.reads() {
		paths[path] = true
	}
	if domain != "" {
		for _, path := range s.Of(domain).reads() {
			paths[path] = true
		}
		for _, u := range s.domains {
			if u.Consent == nil {
				continue
			}
			for _, path := range u.reads() {
				paths[path] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(paths))
}
