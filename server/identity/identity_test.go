package identity_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/mesh"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
)

const day = 24 * time.Hour

// world is an empty company under the policies that Souk ships.
type world struct {
	*servertest.World
	*identity.Service
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{World: servertest.New(t, servertest.Company{})}
	w.Service = w.Identity
	return w
}

func (w *world) as(p model.Principal) context.Context { return model.WithPrincipal(w.Context(), p) }

func (w *world) person(name string, roles ...model.Role) model.Principal {
	w.Helper()
	p, err := w.CreatePrincipal(w.System(), identity.NewPrincipal{Kind: model.Person, Name: name, Roles: roles})
	if err != nil {
		w.Fatal(err)
	}
	return p
}

func (w *world) token(p model.Principal, lifetime time.Duration) (model.Token, string) {
	w.Helper()
	t, secret, err := w.IssueToken(w.as(p), identity.NewToken{Name: "laptop", Lifetime: lifetime})
	if err != nil {
		w.Fatal(err)
	}
	return t, secret
}

func TestBootstrap(t *testing.T) {
	w := newWorld(t)
	secrets := make([]string, 8)
	var all sync.WaitGroup
	for i := range secrets {
		all.Go(func() {
			var err error
			if secrets[i], err = w.Bootstrap(w.System()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	secret := strings.Join(secrets, "")
	p, err := w.Authenticate(t.Context(), secret) // of many starts at once, one shows a secret
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "admin" || !p.Has(model.RoleAdmin) {
		t.Errorf("got %+v, want the administrator", p)
	}
	page, err := w.Principals(w.as(p), model.Paging{First: 10})
	if err != nil || len(page.Nodes) != 1 {
		t.Errorf("got %d principals, %v, want one", len(page.Nodes), err)
	}
	if again, err := w.Bootstrap(w.System()); again != "" || err != nil {
		t.Errorf("a later start shows %q, %v, want nothing", again, err)
	}
}

func TestBootstrapLeavesAnInhabitedStoreAlone(t *testing.T) {
	w := newWorld(t)
	w.person("ana")
	if secret, err := w.Bootstrap(w.System()); secret != "" || err != nil {
		t.Errorf("got %q, %v, want nothing", secret, err)
	}
}

func TestOnlyAdministratorsMakePrincipals(t *testing.T) {
	w := newWorld(t)
	ana := w.person("ana")
	_, err := w.CreatePrincipal(w.as(ana), identity.NewPrincipal{Kind: model.Person, Name: "bo"})
	servertest.WantField(t, err, model.KindDenied, "")
	roles := []model.Role{model.RoleAdmin}
	_, err = w.UpdatePrincipal(w.as(ana), identity.PrincipalEdit{ID: ana.ID, Roles: &roles})
	servertest.WantField(t, err, model.KindDenied, "")
	if p, err := w.Principal(w.as(ana), ana.ID); err != nil || p.Has(model.RoleAdmin) {
		t.Errorf("got %+v, %v, want an employee", p, err)
	}
	_, err = w.Principal(t.Context(), ana.ID)
	servertest.WantField(t, err, model.KindUnauthenticated, "")
}

func TestPrincipals(t *testing.T) {
	w := newWorld(t)
	d, err := w.Mesh.CreateDomain(w.System(), mesh.NewDomain{Name: "sales"})
	if err != nil {
		t.Fatal(err)
	}
	team, err := w.Mesh.CreateTeam(w.System(), mesh.NewTeam{Name: "orders", DomainID: d.ID})
	if err != nil {
		t.Fatal(err)
	}
	ana := w.person("ana@sales")
	if ana.DisplayName != "ana@sales" || !ana.Has(model.RoleEmployee) || ana.Revision != 1 || ana.CreatedAt.IsZero() {
		t.Errorf("got %+v, want the defaults", ana)
	}
	title, mail, clearance, region, teams := "Ana", "ana@acme.example", model.Confidential, "eu", []model.ID{team.ID}
	ana, err = w.UpdatePrincipal(w.System(), identity.PrincipalEdit{
		ID: ana.ID, DisplayName: &title, Email: &mail, DomainID: &d.ID,
		TeamIDs: &teams, Clearance: &clearance, Region: &region, ExpectedRevision: &ana.Revision,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := model.Principal{
		Meta: ana.Meta, Kind: model.Person, Name: "ana@sales", DisplayName: "Ana", Email: mail, DomainID: d.ID,
		TeamIDs: teams, Roles: []model.Role{model.RoleEmployee}, Clearance: model.Confidential, Region: "eu",
	}
	if diff := cmp.Diff(want, ana); diff != "" {
		t.Errorf("after the edit (-want +got):\n%s", diff)
	}
	stale := model.Revision(1)
	_, err = w.UpdatePrincipal(w.System(), identity.PrincipalEdit{ID: ana.ID, ExpectedRevision: &stale})
	servertest.WantField(t, err, model.KindConflict, "expectedVersion")
	byName, err := w.PrincipalByName(w.as(ana), "ana@sales")
	if err != nil || byName.ID != ana.ID {
		t.Errorf("got %v, %v by name", byName, err)
	}
	bo := w.person("bo")
	some, err := w.PrincipalsByID(w.as(ana), bo.ID, "prn_none", ana.ID)
	if err != nil || len(some) != 2 || some[0].ID != bo.ID || some[1].ID != ana.ID {
		t.Errorf("got %v, %v by id, want bo and ana", some, err)
	}
	first, err := w.Principals(w.as(bo), model.Paging{First: 1})
	if err != nil || len(first.Nodes) != 1 || !first.More {
		t.Fatalf("got %+v, %v, want the first of two", first, err)
	}
	second, err := w.Principals(w.as(bo), model.Paging{First: 1, After: first.Cursors[0]})
	if err != nil || len(second.Nodes) != 1 || second.Nodes[0].ID != bo.ID || second.More {
		t.Errorf("got %+v, %v, want bo and no more", second, err)
	}
}

func TestRolesAreThoseGiven(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		kind  model.PrincipalKind
		roles []model.Role
		want  []model.Role
	}{
		"a person of whom nothing is said":   {model.Person, nil, []model.Role{model.RoleEmployee}},
		"a person with no role":              {model.Person, []model.Role{}, nil},
		"a service of which nothing is said": {model.Service, nil, nil},
		"a service with no role":             {model.Service, []model.Role{}, nil},
		"a service that enforces":            {model.Service, []model.Role{model.RolePEP}, []model.Role{model.RolePEP}},
	} {
		p, err := w.CreatePrincipal(w.System(), identity.NewPrincipal{Kind: c.kind, Name: strings.ReplaceAll(name, " ", "-"), Roles: c.roles})
		if err != nil || !slices.Equal(p.Roles, c.want) {
			t.Errorf("%s: %v, %v; want %v", name, p.Roles, err, c.want)
		}
		empty := ""
		if p, err = w.UpdatePrincipal(w.System(), identity.PrincipalEdit{ID: p.ID, Region: &empty}); err != nil || !slices.Equal(p.Roles, c.want) {
			t.Errorf("%s, after a change of something else: %v, %v", name, p.Roles, err)
		}
	}
	bo := w.person("bo")
	for _, role := range []model.Role{model.RolePEP, model.RoleTrusted} {
		_, err := w.CreatePrincipal(w.System(), identity.NewPrincipal{Kind: model.Person, Name: "eve", Roles: []model.Role{role}})
		servertest.WantField(t, err, model.KindInvalid, "roles")
		_, err = w.UpdatePrincipal(w.System(), identity.PrincipalEdit{ID: bo.ID, Roles: &[]model.Role{model.RoleEmployee, role}})
		servertest.WantField(t, err, model.KindInvalid, "roles")
	}
}

func TestNamesThatLookAlike(t *testing.T) {
	w := newWorld(t)
	w.person("ana@sales")
	for _, name := range []string{"ANA@sales", "Ana@Sales", "ana@sales"} {
		_, err := w.CreatePrincipal(w.System(), identity.NewPrincipal{Kind: model.Person, Name: name})
		servertest.WantField(t, err, model.KindConflict, "name")
	}
	old := model.Principal{Meta: model.Meta{ID: model.NewID(model.PrefixPrincipal)}, Kind: model.Person, Name: "ANA@SALES", DisplayName: "Ana", Roles: []model.Role{model.RoleEmployee}}
	if _, err := w.Store.Apply(t.Context(), store.Change{Action: "test.old", Writes: []store.Write{store.Principals.Put(old)}}); err != nil {
		t.Fatal(err)
	}
	region := "eu"
	if _, err := w.UpdatePrincipal(w.System(), identity.PrincipalEdit{ID: old.ID, Region: &region}); err != nil {
		t.Errorf("a pair from before cannot be changed: %v", err)
	}
	_, err := w.CreatePrincipal(w.System(), identity.NewPrincipal{Kind: model.Person, Name: "cy", DisplayName: "C\u202ey"})
	servertest.WantField(t, err, model.KindInvalid, "displayName")
}

func TestLastAdministrator(t *testing.T) {
	w := newWorld(t)
	root := w.person("root", model.RoleAdmin)
	employee, yes, no := []model.Role{model.RoleEmployee}, true, false
	demote, suspend := identity.PrincipalEdit{ID: root.ID, Roles: &employee}, identity.PrincipalEdit{ID: root.ID, Suspended: &yes}
	for field, e := range map[string]identity.PrincipalEdit{"roles": demote, "isSuspended": suspend} {
		_, err := w.UpdatePrincipal(w.as(root), e)
		servertest.WantField(t, err, model.KindConflict, field)
	}
	other := w.person("other", model.RoleAdmin)
	if _, err := w.UpdatePrincipal(w.as(root), identity.PrincipalEdit{ID: other.ID, Suspended: &yes}); err != nil {
		t.Fatal(err)
	}
	_, err := w.UpdatePrincipal(w.as(root), demote) // a suspended administrator is none
	servertest.WantField(t, err, model.KindConflict, "roles")
	if _, err := w.UpdatePrincipal(w.as(root), identity.PrincipalEdit{ID: other.ID, Suspended: &no}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.UpdatePrincipal(w.as(root), demote); err != nil {
		t.Errorf("with another administrator: %v", err)
	}
}

func TestAdministratorsCannotRemoveEachOtherAtOnce(t *testing.T) {
	for range 20 {
		w := newWorld(t)
		admins := []model.Principal{w.person("a", model.RoleAdmin), w.person("b", model.RoleAdmin), w.person("c", model.RoleAdmin)}
		employee := []model.Role{model.RoleEmployee}
		var all sync.WaitGroup
		for i := range admins {
			all.Go(func() {
				_, err := w.UpdatePrincipal(w.as(admins[i]), identity.PrincipalEdit{ID: admins[(i+1)%3].ID, Roles: &employee})
				if err != nil && !model.Is(err, model.KindConflict) {
					t.Errorf("got %v, want a conflict", err)
				}
			})
		}
		all.Wait()
		page, err := w.Principals(w.System(), model.Paging{First: 10})
		if err != nil {
			t.Fatal(err)
		}
		left := 0
		for _, p := range page.Nodes {
			if p.Has(model.RoleAdmin) {
				left++
			}
		}
		if left == 0 {
			t.Fatal("no administrator is left")
		}
	}
}

func TestCan(t *testing.T) {
	w := newWorld(t)
	actions := []model.Action{model.ActIdentity, model.ActDomainAdmin, model.ActAuditRead, model.ActPolicyRead}
	for _, c := range []struct {
		p    model.Principal
		want []model.Outcome
	}{
		{w.person("ana"), []model.Outcome{model.Deny, model.Deny, model.Deny, model.Allow}},
		{w.person("root", model.RoleAdmin), []model.Outcome{model.Allow, model.Allow, model.Allow, model.Allow}},
	} {
		can, err := w.Can(w.as(c.p), actions...)
		if err != nil {
			t.Fatal(err)
		}
		for i, a := range actions {
			if can[a] != c.want[i] {
				t.Errorf("%s %s: got %s, want %s", c.p.Name, a, can[a], c.want[i])
			}
		}
	}
}

func TestBadPrincipals(t *testing.T) {
	w := newWorld(t)
	w.person("taken")
	huge := strings.Repeat("x", 1<<20)
	before := w.Last()
	for name, c := range map[string]struct {
		edit  func(*identity.NewPrincipal)
		kind  model.ErrorKind
		field string
	}{
		"no kind":              {func(n *identity.NewPrincipal) { n.Kind = "" }, model.KindInvalid, "kind"},
		"unknown kind":         {func(n *identity.NewPrincipal) { n.Kind = "ROBOT" }, model.KindInvalid, "kind"},
		"no name":              {func(n *identity.NewPrincipal) { n.Name = "" }, model.KindInvalid, "name"},
		"huge name":            {func(n *identity.NewPrincipal) { n.Name = huge }, model.KindInvalid, "name"},
		"long name":            {func(n *identity.NewPrincipal) { n.Name = strings.Repeat("x", 65) }, model.KindInvalid, "name"},
		"spaced name":          {func(n *identity.NewPrincipal) { n.Name = "ana p" }, model.KindInvalid, "name"},
		"name with an end":     {func(n *identity.NewPrincipal) { n.Name = "ana\n" }, model.KindInvalid, "name"},
		"foreign letters":      {func(n *identity.NewPrincipal) { n.Name = "аna" }, model.KindInvalid, "name"},
		"taken name":           {func(n *identity.NewPrincipal) { n.Name = "taken" }, model.KindConflict, "name"},
		"the server's name":    {func(n *identity.NewPrincipal) { n.Name = "System" }, model.KindConflict, "name"},
		"huge title":           {func(n *identity.NewPrincipal) { n.DisplayName = huge }, model.KindInvalid, "displayName"},
		"two lines":            {func(n *identity.NewPrincipal) { n.DisplayName = "Ana\nAdmin" }, model.KindInvalid, "displayName"},
		"blank title":          {func(n *identity.NewPrincipal) { n.DisplayName = "  " }, model.KindInvalid, "displayName"},
		"no mail":              {func(n *identity.NewPrincipal) { n.Email = "ana" }, model.KindInvalid, "email"},
		"two mails":            {func(n *identity.NewPrincipal) { n.Email = "a@b.example, c@d.example" }, model.KindInvalid, "email"},
		"huge mail":            {func(n *identity.NewPrincipal) { n.Email = huge + "@acme.example" }, model.KindInvalid, "email"},
		"unknown role":         {func(n *identity.NewPrincipal) { n.Roles = []model.Role{"KING"} }, model.KindInvalid, "roles"},
		"role twice":           {func(n *identity.NewPrincipal) { n.Roles = []model.Role{"ADMIN", "ADMIN"} }, model.KindInvalid, "roles"},
		"a novel for a region": {func(n *identity.NewPrincipal) { n.Region = strings.Repeat("x", 41) }, model.KindInvalid, "region"},
		"unknown clearance":    {func(n *identity.NewPrincipal) { n.Clearance = "SECRET" }, model.KindInvalid, "clearance"},
		"unknown domain":       {func(n *identity.NewPrincipal) { n.DomainID = "dom_1" }, model.KindInvalid, "domainId"},
		"huge domain":          {func(n *identity.NewPrincipal) { n.DomainID = model.ID(huge) }, model.KindInvalid, "domainId"},
		"unknown team":         {func(n *identity.NewPrincipal) { n.TeamIDs = []model.ID{"tea_1"} }, model.KindInvalid, "teamIds"},
		"team twice":           {func(n *identity.NewPrincipal) { n.TeamIDs = []model.ID{"tea_1", "tea_1"} }, model.KindInvalid, "teamIds"},
		"hundreds of teams":    {func(n *identity.NewPrincipal) { n.TeamIDs = make([]model.ID, 300) }, model.KindInvalid, "teamIds"},
		"a domain as a team":   {func(n *identity.NewPrincipal) { n.TeamIDs = []model.ID{"dom_1"} }, model.KindInvalid, "teamIds"},
	} {
		t.Run(name, func(t *testing.T) {
			n := identity.NewPrincipal{Kind: model.Person, Name: "ana"}
			c.edit(&n)
			_, err := w.CreatePrincipal(w.System(), n)
			servertest.WantField(t, err, c.kind, c.field)
		})
	}
	empty := ""
	_, err := w.UpdatePrincipal(w.System(), identity.PrincipalEdit{ID: w.person("ana").ID, DisplayName: &empty})
	servertest.WantField(t, err, model.KindInvalid, "displayName")
	_, err = w.UpdatePrincipal(w.System(), identity.PrincipalEdit{ID: model.ID(huge)})
	servertest.WantField(t, err, model.KindNotFound, "")
	_, err = w.PrincipalByName(w.System(), huge)
	servertest.WantField(t, err, model.KindNotFound, "")
	_, err = w.Principals(w.System(), model.Paging{First: 100_000})
	servertest.WantField(t, err, model.KindInvalid, "first")
	if after := w.Last(); after.Seq != before.Seq+1 { // ana alone was made
		t.Errorf("bad input left %d events behind", after.Seq-before.Seq-1)
	}
}
