package mesh_test

import (
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// TestOneOperationReadsOnce counts what an operation reads of the store: who
// asks and what they hold once, however many questions the operation puts.
func TestOneOperationReadsOnce(t *testing.T) {
	w := servertest.New(t, marketplace)
	root, ana, bo := w.As("root"), w.As("ana"), w.As("bo")
	sales, marketing := w.Domains["sales"], w.Domains["marketing"]
	people := []model.ID{w.People["bo"].ID, w.People["eve"].ID}
	orders, clicks := w.Asset("sales", "orders").ID, bo.Publish("clicks", model.Internal).Assets(model.OutputPort)[0]
	text := "What it says."
	var below model.Domain
	var team model.Team
	var own, mixed model.DataProduct
	var change *model.ProposedChange
	w.Store.Hold(t, []enginetest.Operation{
		{Name: "create a domain below another", Reads: 5, Do: func() (err error) {
			below, err = w.Mesh.CreateDomain(root, mesh.NewDomain{Name: "care", ParentID: sales.ID, StewardIDs: people[1:]})
			return
		}},
		{Name: "update a domain", Reads: 5, Do: func() (err error) {
			_, err = w.Mesh.UpdateDomain(ana, mesh.DomainEdit{ID: sales.ID, Description: &text})
			return
		}},
		{Name: "propose a steward", Reads: 9, Do: func() (err error) {
			_, err = w.Mesh.UpdateDomain(bo, mesh.DomainEdit{ID: marketing.ID, StewardIDs: &people})
			return
		}},
		{Name: "create a team", Reads: 4, Do: func() (err error) {
			team, err = w.Mesh.CreateTeam(ana, mesh.NewTeam{Name: "shop", DomainID: sales.ID})
			return
		}},
		{Name: "move a team", Reads: 7, Do: func() (err error) {
			_, err = w.Mesh.UpdateTeam(root, mesh.TeamEdit{ID: team.ID, DomainID: &below.ID})
			return
		}},
		{Name: "create a product", Reads: 10, Do: func() (err error) {
			own, err = w.Mesh.CreateProduct(ana, mesh.NewProduct{Name: "orders", DomainID: sales.ID, Description: text, Ports: []model.Port{output("rows", orders)}})
			return
		}},
		{Name: "update a product", Reads: 5, Do: func() (err error) {
			own, err = w.Mesh.UpdateProduct(ana, mesh.ProductEdit{ID: own.ID, BusinessContext: &text})
			return
		}},
		{Name: "what somebody can do with a product", Reads: 9, Do: func() (err error) {
			_, err = w.Mesh.Can(ana, own.ID, model.ActProductUpdate, model.ActProductPublish, model.ActProductRetire)
			return
		}},
		{Name: "publish", Reads: 9, Do: func() (err error) {
			own, err = w.Mesh.PublishProduct(ana, own.ID)
			return
		}},
		{Name: "create a product over another domain's asset", Reads: 12, Do: func() (err error) {
			ports := []model.Port{output("rows", orders, clicks)}
			mixed, err = w.Mesh.CreateProduct(ana, mesh.NewProduct{Name: "visits", DomainID: sales.ID, Description: text, Ports: ports})
			return
		}},
		{Name: "publish it", Reads: 14, Do: func() (err error) {
			mixed, err = w.Mesh.PublishProduct(ana, mixed.ID)
			return
		}},
		{Name: "what waits on it", Reads: 9, Do: func() (err error) {
			change, err = w.Mesh.Pending(bo, mixed.ID)
			return
		}},
		{Name: "what a voter can do", Reads: 8, Do: func() (err error) {
			_, err = w.Mesh.CanChange(bo, change.ID, model.ActChangeApprove, model.ActChangeReject, model.ActChangeWithdraw)
			return
		}},
		{Name: "approve", Reads: 20, Do: func() (err error) {
			_, err = w.Mesh.ApproveChange(bo, change.ID, "fine")
			return
		}},
		{Name: "retire", Reads: 7, Do: func() (err error) {
			_, err = w.Mesh.RetireProduct(ana, own.ID)
			return
		}},
		{Name: "find a product by its name", Reads: 6, Do: func() (err error) {
			_, err = w.Mesh.ProductByName(ana, "sales", "visits")
			return
		}},
		{Name: "what keeps a domain", Reads: 14, Do: func() (err error) {
			_, err = w.Mesh.Dependencies(root, sales.ID)
			return
		}},
	}...)
}
