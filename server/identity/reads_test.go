package identity_test

import (
	"testing"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store/enginetest"
)

// TestOneOperationReadsOnce counts what an operation reads of the store: who
// asks and what they hold once, however many questions the operation puts.
func TestOneOperationReadsOnce(t *testing.T) {
	w := servertest.New(t, servertest.Company{Domains: []string{"sales"}, People: []servertest.Person{{Name: "root", Roles: []model.Role{model.RoleAdmin}}}})
	root, sales := w.As("root"), w.Domains["sales"].ID
	var p model.Principal
	var token model.Token
	w.Store.Hold(t, []enginetest.Operation{
		{Name: "create a principal", Reads: 7, Do: func() (err error) {
			p, err = w.Identity.CreatePrincipal(root, identity.NewPrincipal{Kind: model.Person, Name: "ana", DomainID: sales})
			return
		}},
		{Name: "update a principal", Reads: 4, Do: func() (err error) {
			title := "Ana"
			p, err = w.Identity.UpdatePrincipal(root, identity.PrincipalEdit{ID: p.ID, DisplayName: &title})
			return
		}},
		{Name: "rename a principal", Reads: 8, Do: func() (err error) {
			p, err = w.Identity.RenamePrincipal(root, p.ID, "anna", nil)
			return
		}},
		{Name: "find a principal by a former name", Reads: 6, Do: func() (err error) {
			_, err = w.Identity.PrincipalByName(root, "ana")
			return
		}},
		{Name: "issue a token", Reads: 3, Do: func() (err error) {
			token, _, err = w.Identity.IssueToken(root, identity.NewToken{PrincipalID: p.ID, Name: "laptop", Lifetime: day})
			return
		}},
		{Name: "revoke a token", Reads: 3, Do: func() (err error) {
			_, err = w.Identity.RevokeToken(root, token.ID)
			return
		}},
		{Name: "what keeps a principal", Reads: 9, Do: func() (err error) {
			_, err = w.Identity.Dependencies(root, p.ID)
			return
		}},
		{Name: "remove a principal", Reads: 12, Do: func() (err error) {
			_, err = w.Identity.Remove(root, p.ID, "")
			return
		}},
	}...)
}
