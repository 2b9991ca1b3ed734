package policy

import (
	"encoding/json"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/decide"
	"github.com/souk-mesh/souk/server/policy/internal/question"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
	"github.com/souk-mesh/souk/server/policy/internal/verdict"
)

// What a question is made of.
type (
	Question   = question.Question
	Subject    = question.Subject
	Resource   = question.Resource
	Facts      = question.Facts
	Context    = question.Context
	Properties = question.Properties

	GrantFact    = question.GrantFact
	FindingsFact = question.FindingsFact
	ImpactFact   = question.ImpactFact
	EndingFact   = question.EndingFact
	ChangeFact   = question.ChangeFact
)

// What standards get to know of a noun.
type (
	Metadata        = question.Metadata
	ProductMetadata = question.ProductMetadata
	PortMetadata    = question.PortMetadata
	AssetMetadata   = question.AssetMetadata
	AssetSummary    = question.AssetSummary
	FieldMetadata   = question.FieldMetadata
	QualityMetadata = question.QualityMetadata
	DomainMetadata  = question.DomainMetadata
)

// The types of noun that standards look at.
const (
	TypeProduct = question.TypeProduct
	TypeAsset   = question.TypeAsset
	TypeDomain  = question.TypeDomain
)

// Snapshot is a set of policies that were in force together. It never changes.
type Snapshot = decide.Snapshot

// Alike are the answers to the questions of one request.
type Alike = decide.Alike

// Rights is what one asker may do with the rows of one type.
type Rights = decide.Rights

// MaxListSteps is what the rows of one domain may take in one list, where they
// have to be asked about one by one.
const MaxListSteps = sandbox.MaxListSteps

// Actions lists the actions of the mesh, sorted.
func Actions() []model.Action { return question.Actions() }

// Asked reports whether policies can be asked about the action at all.
func Asked(a model.Action) bool { return question.Asked(a) }

// Known reports whether the action is one of the mesh's own.
func Known(a model.Action) bool { return question.Known(a) }

// AsksDomains reports that the domain of the resource is asked about the action.
func AsksDomains(a model.Action) bool { return question.AsksDomains(a) }

// AskerDomain reads from a logged input which domain the asker belongs to. It
// is empty where the asker has none, or where the input is gone.
func AskerDomain(input json.RawMessage) model.Slug { return question.AskerDomain(input) }

// LoggedResource reads from a logged input what the question was about. It is
// empty where the input is gone.
func LoggedResource(input json.RawMessage) Resource { return question.LoggedResource(input) }

// SubjectFields lists what the input tells of a subject, by the names that it
// has there.
func SubjectFields() []string { return question.NamesOf("subject") }

// ResourceFields lists what the input tells of a resource.
func ResourceFields() []string { return question.NamesOf("resource") }

// OpenFields lists the paths of the input that everybody may know of everybody.
func OpenFields() []string { return question.OpenPaths() }

// Strictest joins decisions that must all hold: the first that is no allow
// stands, and otherwise the duties of all are the union by strictness.
func Strictest(decisions ...model.Decision) model.Decision { return verdict.Strictest(decisions...) }
