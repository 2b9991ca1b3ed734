package identity_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/driver/mongodb/mongodbtest"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
	"github.com/souk-mesh/souk/server/store/enginetest"
	"github.com/souk-mesh/souk/server/store/mongo"
)

// replicas run a test with two services on the same records: on MongoDB by two
// stores, and on SQLite, which has one server, by one.
func replicas(t *testing.T, test func(w *world, other store.Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		w := newWorld(t)
		test(w, w.Store)
	})
	t.Run("mongodb", func(t *testing.T) {
		uri, _ := mongodbtest.Database(t)
		open := func(tb testing.TB) store.Store {
			tb.Helper()
			db, err := mongo.Open(tb.Context(), uri)
			if err != nil {
				tb.Fatal(err)
			}
			tb.Cleanup(func() { _ = db.Close() })
			return db
		}
		w := &world{World: servertest.New(t, servertest.Company{Open: open})}
		w.Service = w.Identity
		test(w, open(t))
	})
}

// TestWhoSignsInIsNeverBehind changes people and tokens by one service, at random,
// and asks another who signs in: each answer is that of a service which remembers
// nothing.
func TestWhoSignsInIsNeverBehind(t *testing.T) {
	replicas(t, func(w *world, other store.Store) {
		w.Helper()
		fresh := func() *identity.Service {
			return identity.New(other, gate.New(other, w.Engine, w.Now, nil), identity.Sessions{}, w.Now)
		}
		there := fresh()
		c, opened, closed := newCrowd(w), 0, 0
		for range 60 {
			change := c.change()
			for who, secret := range c.secrets {
				for range 2 { // the second time nothing was written in between
					got, err := there.Authenticate(w.Context(), secret)
					want, wantErr := fresh().Authenticate(w.Context(), secret)
					if diff := cmp.Diff(want, got); diff != "" || fmt.Sprint(err) != fmt.Sprint(wantErr) {
						w.Fatalf("%s, after %s: %v, want %v\n%s", who, change, err, wantErr, diff)
					}
					if err == nil {
						opened++
					} else {
						closed++
					}
				}
			}
		}
		if opened < 100 || closed < 100 {
			w.Errorf("%d let in, %d turned away: the test hardly tests anything", opened, closed)
		}
	})
}

// crowd are people with their tokens.
type crowd struct {
	*world

	random  *rand.Rand
	people  []model.Principal
	tokens  []model.Token
	secrets map[string]string // by the ids of the tokens
}

func newCrowd(w *world) *crowd {
	c := &crowd{world: w, random: rand.New(rand.NewPCG(3, 5)), secrets: map[string]string{}}
	for i := range 4 {
		c.people = append(c.people, w.person(fmt.Sprintf("person%d", i), model.RoleEmployee))
		c.issue(i)
	}
	return c
}

func (c *crowd) issue(i int) {
	if c.people[i].Suspended {
		return
	}
	token, secret := c.token(c.people[i], day)
	c.tokens = append(c.tokens, token)
	c.secrets[string(token.ID)] = secret
}

// change makes one change, and says which.
func (c *crowd) change() string {
	c.Helper()
	i := c.random.IntN(len(c.people))
	edit := identity.PrincipalEdit{ID: c.people[i].ID}
	what := ""
	switch c.random.IntN(5) {
	case 0:
		c.issue(i)
		return "a new token"
	case 1:
		_, err := c.RevokeToken(c.System(), c.tokens[c.random.IntN(len(c.tokens))].ID)
		c.Must(err)
		return "a revoked token"
	case 2:
		suspended := !c.people[i].Suspended
		edit.Suspended, what = &suspended, "a suspension or its end"
	case 3:
		roles := []model.Role{model.RoleEmployee, model.RoleSteward}[:1+c.random.IntN(2)]
		edit.Roles, what = &roles, "other roles"
	default:
		name := fmt.Sprint("Person ", c.random.IntN(1000))
		edit.DisplayName, what = &name, "another name to show"
	}
	var err error
	c.people[i], err = c.UpdatePrincipal(c.System(), edit)
	c.Must(err)
	return what
}

// TestSigningInAgainReadsNothing holds a second request by the same token to what
// tells whether anything was written, and nothing else.
func TestSigningInAgainReadsNothing(t *testing.T) {
	w := newWorld(t)
	_, secret := w.token(w.person("ana"), day)
	w.Store.Hold(t, []enginetest.Operation{
		{Name: "first", Reads: 2, Do: func() error { _, err := w.Authenticate(t.Context(), secret); return err }},
		{Name: "again", Reads: 0, Do: func() error { _, err := w.Authenticate(t.Context(), secret); return err }},
	}...)
	p, err := w.Authenticate(t.Context(), secret)
	w.Must(err)
	p.Roles[0] = model.RoleAdmin // a request that writes into its own principal changes no other
	if again, err := w.Authenticate(t.Context(), secret); err != nil || again.Has(model.RoleAdmin) {
		t.Errorf("got %v, %v, want the roles as they were", again.Roles, err)
	}
}
