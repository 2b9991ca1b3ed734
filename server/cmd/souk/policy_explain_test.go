package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestPolicyExplainToAnOwner has a decision explained to whoever owns what it
// was about, and may not read the log; what is personal stays hidden.
func TestPolicyExplainToAnOwner(t *testing.T) {
	server, secret := serving(t, "sqlite:"+filepath.Join(t.TempDir(), "souk.db"))
	admin := person{r: server, token: secret}
	var domain struct{ Domain struct{ ID string } }
	admin.do("createDomain", "CreateDomainInput", map[string]any{"name": "freight"}, "domain { id }", &domain)
	people := map[string]person{}
	for _, name := range []string{"fay", "hal", "ida"} {
		var made struct{ Principal struct{ ID string } }
		admin.do("createPrincipal", "CreatePrincipalInput", map[string]any{"kind": "PERSON", "name": name, "domainId": domain.Domain.ID}, "principal { id }", &made)
		var issued struct{ Secret string }
		admin.do("issueToken", "IssueTokenInput", map[string]any{"principalId": made.Principal.ID, "name": "test", "lifetime": "PT1H"}, "secret", &issued)
		people[name] = person{r: server, token: issued.Secret, id: made.Principal.ID}
	}
	admin.do("updateDomain", "UpdateDomainInput", map[string]any{"id": domain.Domain.ID, "stewardIds": []string{people["fay"].id}}, "domain { id }", &struct{}{})
	var product struct{ DataProduct struct{ ID string } }
	people["fay"].do("createDataProduct", "CreateDataProductInput", map[string]any{"name": "tours", "domainId": domain.Domain.ID, "ownerId": people["hal"].id, "classification": "CONFIDENTIAL"}, "dataProduct { id }", &product)
	var refused struct {
		CheckAccess struct{ Decision struct{ ID, Outcome string } }
	}
	people["ida"].ask(`mutation($id: ID!) { checkAccess(input: { productId: $id, purpose: "tours" }) { decision { id outcome } } }`, map[string]any{"id": product.DataProduct.ID}, &refused)
	if refused.CheckAccess.Decision.Outcome != "DENY" {
		t.Fatalf("ida may read: %+v", refused)
	}
	id := refused.CheckAccess.Decision.ID
	for name, want := range map[string]string{"ida": "data.read of " + product.DataProduct.ID + " by ida was refused at ", "hal": id + " was refused\n"} {
		got := invoke(t, []string{"SOUK_TOKEN=" + people[name].token}, "policy", "explain", "--url", server.url, id)
		if got.status != 0 || !strings.HasPrefix(got.stdout, want) || !strings.Contains(got.stdout, "The rules that could have applied:") {
			t.Errorf("%s: %+v", name, got)
		}
		if told := strings.Contains(got.stdout, "Have your clearance raised"); told != (name == "ida") {
			t.Errorf("%s is told of the clearance: %v: %s", name, told, got.stdout)
		}
	}
}
