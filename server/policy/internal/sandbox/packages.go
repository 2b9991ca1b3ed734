package sandbox

import (
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/question"
)

// The contract is Rego that makes questions up. Every draft has to answer them
// acceptably, together with the guardrails of the platform.
const (
	FolderContract = "contract"
	ContractEntry  = "cases"
)

// Standards are rules about metadata. They allow and refuse nothing: each
// finding says what a product, an asset or a domain lacks. The company's hold
// for everybody; a domain's are asked besides, so they can only add.
const (
	folderStandards = "standards"
	FindingsEntry   = "findings"
	MaxFindings     = 100 // of one package about one noun
)

func companyStandards() string { return "souk." + folderStandards }

// StandardsOf names the package of a domain's standards; "" is the company.
func StandardsOf(domain model.Slug) string {
	if domain == "" {
		return companyStandards()
	}
	return domainPackage(domain) + "." + folderStandards
}

// AreStandards reports whether the package looks at metadata.
func AreStandards(pkg string) bool {
	words := strings.Split(pkg, ".")
	return pkg == companyStandards() || (len(words) == 4 && words[1] == FolderDomains && words[3] == folderStandards)
}

// entriesFor lists the rules that the server asks the package for.
func entriesFor(pkg string) []string {
	if AreStandards(pkg) {
		return []string{FindingsEntry}
	}
	if pkg == "souk."+FolderContract {
		return []string{ContractEntry}
	}
	return Entries
}

// schemaFor describes the input of the package.
func schemaFor(pkg string) *ast.SchemaSet {
	if AreStandards(pkg) {
		return question.MetadataSchema()
	}
	return question.InputSchema()
}
