package policy

import (
	"context"
	"io"
	"io/fs"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy/internal/impact"
	"github.com/souk-mesh/souk/server/policy/internal/review"
	"github.com/souk-mesh/souk/server/policy/internal/sandbox"
)

// Draft is a package as its authors propose it, and Evidence what it is tried on.
type (
	Draft    = sandbox.Draft
	Evidence = impact.Evidence
)

// The results of a run of Rego tests.
type (
	Report       = review.Report
	TestOutcome  = review.TestOutcome
	FileCoverage = review.FileCoverage
	LineRange    = review.LineRange
)

// The ends of a test.
const (
	Passed  = review.Passed
	Failed  = review.Failed
	Skipped = review.Skipped
	Errored = review.Errored
)

// EngineVersion names what compiles the policies. A revision of another version
// has to be checked again before it decides.
func EngineVersion() string { return sandbox.EngineVersion() }

// Test runs every Rego test of the folder, each package beside the library
// and nothing else, as the server would run it. An error of kind Invalid tells
// of rules that the server would refuse.
func Test(ctx context.Context, files fs.FS) (Report, error) { return review.Test(ctx, files) }

// Format gives the text of a file of rules as the check wants it. An error of
// kind Invalid names the line that is no Rego.
func Format(file, text string) (string, error) { return review.Format(file, text) }

// Touches lists the domains that the rules of a draft could name. It errs on
// the side of naming too many. What Computes lists is not here.
func Touches(d Draft) []model.Slug { return review.Touches(d) }

// Computes lists the places where the rules of a draft make the name of a
// domain, a team or a person, or look for one by a part of it.
func Computes(d Draft) []model.PolicyProblem { return review.Computes(d) }

// UnknownDomains finds each domain that the rules of a draft set a field
// against and that is none of the known ones. With near it tells of slips only.
func UnknownDomains(d Draft, known []model.Slug, near bool) []model.PolicyProblem {
	return review.UnknownDomains(d, known, near)
}

// ServeChild answers the one request of a parent's and gives the exit status.
// It bounds the whole process, so nothing else may run in it.
func ServeChild(in io.Reader, out io.Writer) int { return review.ServeChild(in, out) }
