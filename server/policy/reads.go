package policy

import (
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/dependencies"

	"github.com/souk-mesh/souk/graph/model"
)

// Reads gives the paths of the input, such as subject.name, that the rules
// over a domain's resources read: the platform's, the domain's, and the
// consent of those who may ask. "" is the input as a whole. It is false when
// the engine cannot tell.
func (s *Snapshot) Reads(domain model.Slug) (paths []string, ok bool) {
	units := []*unit{s.platform}
	if domain != "" {
		units = append(units, s.of(domain))
		for _, u := range s.domains {
			if u.consent != nil {
				units = append(units, u)
			}
		}
	}
	for _, u := range units {
		read, known := u.reads()
		if !known {
			return nil, false
		}
		paths = append(paths, read...)
	}
	return paths, true
}

// reads looks once for what the package reads of the input.
func (u *unit) reads() ([]string, bool) {
	u.inputs.Do(func() {
		read := map[string]bool{}
		for _, m := range u.untyped.Modules {
			if !m.Package.Path.Equal(u.path) {
				continue
			}
			for _, r := range m.Rules {
				if u.unreadable = u.readBy(r, read); u.unreadable != nil {
					return
				}
			}
		}
		for path := range read {
			u.read = append(u.read, path)
		}
	})
	return u.read, u.unreadable == nil
}

// readBy adds what a rule, and the rules that it asks, read.
func (u *unit) readBy(r *ast.Rule, read map[string]bool) error {
	refs, err := dependencies.Base(u.untyped, r)
	if err != nil {
		return err
	}
	for _, ref := range refs {
		if ref.HasPrefix(ast.InputRootRef) {
			read[strings.TrimPrefix(strings.TrimPrefix(ref.String(), "input"), ".")] = true
		}
	}
	return nil
}
