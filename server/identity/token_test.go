package identity_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/identity"
	"github.com/souk-mesh/souk/server/servertest"
	"github.com/souk-mesh/souk/server/store"
)

func TestTokenLife(t *testing.T) {
	w := newWorld(t)
	ana := w.person("ana")
	token, secret := w.token(ana, 30*day)
	if !strings.HasPrefix(secret, "souk_") || len(secret) != 57 {
		t.Errorf("got a secret of %d characters, want souk_ and 52 more", len(secret))
	}
	if _, other := w.token(ana, day); other == secret {
		t.Error("two tokens have one secret")
	}
	p, err := w.Authenticate(t.Context(), secret)
	if err != nil || p.ID != ana.ID {
		t.Fatalf("got %s, %v, want ana", p.Name, err)
	}
	if got := w.Last(); got.Action != "token.issue" || got.DecisionID == "" {
		t.Errorf("got event %+v, want token.issue with its decision", got)
	}

	w.Turn(30*day + time.Second)
	_, err = w.Authenticate(t.Context(), secret)
	if e, ok := errors.AsType[*model.Error](err); !ok || e.Kind != model.KindUnauthenticated || !strings.Contains(e.Message, "expired") {
		t.Errorf("got %v for an expired token, want a sentence that says so", err)
	}
	w.Turn(0)
	if token, err = w.RevokeToken(w.as(ana), token.ID); err != nil || token.RevokedAt == nil {
		t.Fatalf("got %+v, %v, want a revoked token", token, err)
	}
	before := w.Last()
	if again, err := w.RevokeToken(w.as(ana), token.ID); err != nil || !again.RevokedAt.Equal(*token.RevokedAt) || w.Last().Seq != before.Seq {
		t.Errorf("revoking again: got %+v, %v, want no change", again, err)
	}
	if _, err := w.Authenticate(t.Context(), secret); !model.Is(err, model.KindUnauthenticated) {
		t.Errorf("got %v for a revoked token, want a refusal", err)
	}
}

// Whoever holds no good token learns nothing about the reason.
func TestRefusalsLookAlike(t *testing.T) {
	w := newWorld(t)
	ana, bo := w.person("ana"), w.person("bo")
	token, revoked := w.token(ana, day)
	_, suspended := w.token(bo, day)
	if _, err := w.RevokeToken(w.as(ana), token.ID); err != nil {
		t.Fatal(err)
	}
	yes := true
	if _, err := w.UpdatePrincipal(w.System(), identity.PrincipalEdit{ID: bo.ID, Suspended: &yes}); err != nil {
		t.Fatal(err)
	}
	_, want := w.Authenticate(t.Context(), "souk_"+strings.Repeat("a", 52))
	if !model.Is(want, model.KindUnauthenticated) {
		t.Fatalf("got %v for an unknown token, want a refusal", want)
	}
	for name, secret := range map[string]string{
		"revoked": revoked, "suspended": suspended, "empty": "", "without prefix": revoked[5:], "cut": revoked[:30],
		"huge": "souk_" + strings.Repeat("a", 1<<20), "other case": strings.ToUpper(revoked), "bytes": "souk_\x00\xff",
	} {
		for _, skew := range []time.Duration{0, 2 * day} { // nor does an expired one tell
			w.Turn(skew)
			if _, err := w.Authenticate(t.Context(), secret); err == nil || err.Error() != want.Error() {
				t.Errorf("%s: got %v, want the same words as for an unknown token", name, err)
			}
		}
	}
}

func TestSecretsAreNeverStored(t *testing.T) {
	w := newWorld(t)
	token, secret := w.token(w.person("ana"), day)
	for _, schema := range store.Schemas() {
		page, err := w.Store.Find(t.Context(), store.Query{Kind: schema.Kind, Index: plain(schema), Limit: store.MaxPage})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Records {
			if bytes.Contains(r.Doc, []byte(secret)) || bytes.Contains(r.Doc, []byte(secret[5:])) {
				t.Errorf("%s %s holds the secret", r.Kind, r.ID)
			}
			if r.Kind != store.Tokens.Kind() && bytes.Contains(r.Doc, []byte(token.Hash)) {
				t.Errorf("%s %s holds the hash", r.Kind, r.ID)
			}
		}
	}
}

// plain names an index that has every record once.
func plain(s store.Schema) string {
	for _, x := range s.Indexes {
		if !x.Multi {
			return x.Name
		}
	}
	return ""
}

func TestOwnTokensOnly(t *testing.T) {
	w := newWorld(t)
	ana, bo, root := w.person("ana"), w.person("bo"), w.person("root", model.RoleAdmin)
	token, _ := w.token(ana, day)
	_, _, err := w.IssueToken(w.as(bo), identity.NewToken{PrincipalID: ana.ID, Name: "theirs", Lifetime: day})
	servertest.WantField(t, err, model.KindDenied, "")
	if got := w.Last(); got.Action != "identity.admin.refused" || got.ActorID != bo.ID {
		t.Errorf("got event %+v, want the refusal", got)
	}
	_, err = w.RevokeToken(w.as(bo), token.ID)
	servertest.WantField(t, err, model.KindNotFound, "")
	for _, c := range []struct {
		as    model.Principal
		whose model.ID
		want  int
	}{{ana, "", 1}, {ana, ana.ID, 1}, {bo, ana.ID, 0}, {root, ana.ID, 1}, {root, "", 0}} {
		page, err := w.Tokens(w.as(c.as), c.whose, model.Paging{First: 10})
		if err != nil || len(page.Nodes) != c.want {
			t.Errorf("%s sees %d tokens, %v, want %d", c.as.Name, len(page.Nodes), err, c.want)
		}
	}
	_, secret, err := w.IssueToken(w.as(root), identity.NewToken{PrincipalID: ana.ID, Name: "lost and found", Lifetime: day})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := w.Authenticate(t.Context(), secret); err != nil || p.ID != ana.ID {
		t.Errorf("got %s, %v, want ana", p.Name, err)
	}
	if _, err := w.RevokeToken(w.as(root), token.ID); err != nil {
		t.Errorf("an administrator revokes: %v", err)
	}
}

func TestBadTokens(t *testing.T) {
	w := newWorld(t)
	ana := w.person("ana")
	for name, c := range map[string]struct {
		n     identity.NewToken
		field string
	}{
		"no name":           {identity.NewToken{Lifetime: day}, "name"},
		"huge name":         {identity.NewToken{Name: strings.Repeat("x", 1<<20), Lifetime: day}, "name"},
		"no lifetime":       {identity.NewToken{Name: "x"}, "lifetime"},
		"negative lifetime": {identity.NewToken{Name: "x", Lifetime: -day}, "lifetime"},
		"endless lifetime":  {identity.NewToken{Name: "x", Lifetime: 366*day + 1}, "lifetime"},
		"unknown principal": {identity.NewToken{Name: "x", Lifetime: day, PrincipalID: "prn_1"}, "principalId"},
	} {
		t.Run(name, func(t *testing.T) {
			_, secret, err := w.IssueToken(w.as(ana), c.n)
			servertest.WantField(t, err, model.KindInvalid, c.field)
			if secret != "" {
				t.Error("a refusal shows a secret")
			}
		})
	}
	_, err := w.RevokeToken(w.as(ana), "tok_1")
	servertest.WantField(t, err, model.KindNotFound, "")
	yes := true
	if _, err := w.UpdatePrincipal(w.System(), identity.PrincipalEdit{ID: ana.ID, Suspended: &yes}); err != nil {
		t.Fatal(err)
	}
	_, _, err = w.IssueToken(w.System(), identity.NewToken{PrincipalID: ana.ID, Name: "x", Lifetime: day})
	servertest.WantField(t, err, model.KindConflict, "principalId")
}
