package sandbox

import (
	"fmt"

	"github.com/open-policy-agent/opa/v1/version"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
)

// Draft is a package as its authors propose it. One without a Domain is the
// platform's own.
type Draft struct {
	Domain  model.Slug
	Modules []model.PolicyModule
}

// EngineVersion names what compiles the policies: the engine and the list of
// functions that it offers them. A revision of another version has to be
// checked again before it decides.
func EngineVersion() string {
	return fmt.Sprintf("opa %s capabilities %s input %d", version.Version, capabilityVersion, question.InputVersion)
}

// Pkg is the package that the draft is for.
func (d Draft) Pkg() string {
	if d.Domain == "" {
		return "souk." + FolderPlatform
	}
	return domainPackage(d.Domain)
}

// Source reads the draft as the text of one package. Every file must lie in
// the folder that stands for it.
func (d Draft) Source() (Source, error) {
	s := Source{Pkg: d.Pkg(), Domain: d.Domain, Modules: make(map[string]string, len(d.Modules))}
	if d.Domain != "" {
		if err := d.Domain.Validate("domain"); err != nil {
			return s, err
		}
	}
	for _, m := range d.Modules {
		at, err := Place(m.Path)
		if err != nil {
			return s, err
		}
		if at.Pkg == StandardsOf(d.Domain) {
			continue // see standards
		}
		if at.Pkg != s.Pkg {
			return s, model.Invalid(m.Path, "the file lies in package "+at.Pkg+", but the revision is of package "+s.Pkg, "propose it to the domain that owns the package")
		}
		if _, twice := s.Modules[m.Path]; twice {
			return s, model.Invalid(m.Path, "the file is there twice", "keep one of the two")
		}
		s.Modules[m.Path] = m.Text
	}
	return s, nil
}

// Standards gives the part of the draft that looks at metadata.
func (d Draft) Standards() Source {
	s := Source{Pkg: StandardsOf(d.Domain), Domain: d.Domain, Modules: map[string]string{}}
	for _, m := range d.Modules {
		if at, err := Place(m.Path); err == nil && at.Pkg == s.Pkg {
			s.Modules[m.Path] = m.Text
		}
	}
	return s
}
