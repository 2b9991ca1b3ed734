package policy

import (
	"fmt"

	"github.com/open-policy-agent/opa/v1/version"
	"github.com/souk-mesh/souk/graph/model"
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
	return fmt.Sprintf("opa %s capabilities %s input %d", version.Version, capabilityVersion, inputVersion)
}

// pkg is the package that the draft is for.
func (d Draft) pkg() string {
	if d.Domain == "" {
		return "souk." + folderPlatform
	}
	return domainPackage(d.Domain)
}

// source reads the draft as the text of one package. Every file must lie in
// the folder that stands for it.
func (d Draft) source() (source, error) {
	s := source{pkg: d.pkg(), domain: d.Domain, modules: make(map[string]string, len(d.Modules))}
	if d.Domain != "" {
		if err := d.Domain.Validate("domain"); err != nil {
			return s, err
		}
	}
	for _, m := range d.Modules {
		at, err := place(m.Path)
		if err != nil {
			return s, err
		}
		if at.pkg == standardsOf(d.Domain) {
			continue // see standards
		}
		if at.pkg != s.pkg {
			return s, model.Invalid(m.Path, "the file lies in package "+at.pkg+", but the revision is of package "+s.pkg, "propose it to the domain that owns the package")
		}
		if _, twice := s.modules[m.Path]; twice {
			return s, model.Invalid(m.Path, "the file is there twice", "keep one of the two")
		}
		s.modules[m.Path] = m.Text
	}
	return s, nil
}
