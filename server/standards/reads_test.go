package standards_test

import (
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// TestOneOperationReadsOnce counts what an operation reads of the store: who
// asks and what they hold once, however many questions the operation puts.
func TestOneOperationReadsOnce(t *testing.T) {
	counted := &enginetest.Counted{Store: enginetest.SQLite(t)}
	s := openStall(t, counted)
	ana := s.as("ana")
	counted.Hold(t, []enginetest.Operation{
		{Name: "findings of a domain", Reads: 16, Do: func() (err error) {
			_, err = s.Findings(ana, "dom_sales", model.Paging{First: 50})
			return
		}},
		{Name: "findings of an asset", Reads: 7, Do: func() (err error) {
			_, err = s.AssetFindings(ana, "ast_1")
			return
		}},
		{Name: "scorecards of products", Reads: 8, Do: func() (err error) {
			_, err = s.ProductScorecards(ana, "dpr_a_good", "dpr_c_bad")
			return
		}},
		{Name: "scorecards of domains", Reads: 11, Do: func() (err error) {
			_, err = s.DomainScorecards(ana, "dom_sales", "dom_old")
			return
		}},
		{Name: "trends", Reads: 5, Do: func() (err error) {
			_, err = s.Trends(ana, 30, "dpr_a_good", "dom_sales")
			return
		}},
	}...)
}
