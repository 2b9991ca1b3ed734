package identity

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// The bounds of a token's life.
const (
	MinLifetime = time.Second
	MaxLifetime = 366 * 24 * time.Hour
)

// secretPrefix lets people and secret scanners tell what a leaked secret opens.
const secretPrefix = "souk_"

var secretAlphabet = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newSecret gives a secret of 256 random bits.
func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails since Go 1.24
	return secretPrefix + secretAlphabet.EncodeToString(b[:])
}

// hashOf gives what is kept of a secret. With 256 random bits in it a plain
// hash is enough: there is nothing to guess.
func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// IssueToken makes a token and returns its secret, which is shown here and
// never again. Everybody may issue their own, if the policies agree.
func (s *Service) IssueToken(ctx context.Context, n NewToken) (model.Token, string, error) {
	if err := n.check(); err != nil {
		return model.Token{}, "", err
	}
	in := s.gate.Session()
	holder, err := s.holder(ctx, in, n.PrincipalID)
	if err != nil {
		return model.Token{}, "", err
	}
	t, secret := s.mint(holder.ID, n.Name, n.Lifetime)
	res, err := s.gate.Token(ctx, t)
	if err != nil {
		return model.Token{}, "", err
	}
	answer, err := in.Require(ctx, model.ActIdentity, res)
	if err != nil {
		return model.Token{}, "", err
	}
	if holder.Suspended {
		return model.Token{}, "", model.Conflict("principalId", "the principal is suspended", "lift the suspension first")
	}
	if t, err = s.putToken(ctx, in, "token.issue", t, answer); err != nil {
		return model.Token{}, "", err
	}
	return t, secret, nil
}

func (n NewToken) check() error {
	if err := (model.Text{Field: "name", Least: 1, Most: 100}).Check(n.Name); err != nil {
		return err
	}
	if n.Lifetime < MinLifetime || n.Lifetime > MaxLifetime {
		return model.Invalid("lifetime", "must be between a second and 366 days", "ask for 90 days, and for a new token when they are over")
	}
	return nil
}

// holder finds whose token it shall be; "" is the actor.
func (s *Service) holder(ctx context.Context, in *gate.Session, id model.ID) (model.Principal, error) {
	if id == "" {
		actor, err := model.PrincipalFrom(ctx)
		if err != nil {
			return model.Principal{}, err
		}
		id = actor.ID
	}
	found, err := gate.Refer(ctx, in, store.Principals, "principalId", gate.Each(s.gate.Principal), id)
	if err != nil {
		return model.Principal{}, err
	}
	return found[0], nil
}

func (s *Service) mint(holder model.ID, name string, life time.Duration) (model.Token, string) {
	secret := newSecret()
	return model.Token{
		Meta: model.Meta{ID: model.NewID(model.PrefixToken)}, PrincipalID: holder, Kind: model.TokenAPI, Name: name,
		Hash: hashOf(secret), ExpiresAt: model.Instant(s.now().Add(life)),
	}, secret
}

// RevokeToken closes a token at once. Revoking it again changes nothing.
func (s *Service) RevokeToken(ctx context.Context, id model.ID) (model.Token, error) {
	in := s.gate.Session()
	t, res, err := gate.See(ctx, in, store.Tokens, id, s.gate.Token)
	if err != nil {
		return model.Token{}, err
	}
	answer, err := in.Require(ctx, model.ActIdentity, res)
	if err != nil || t.RevokedAt != nil {
		return t, err
	}
	at := model.Instant(s.now())
	t.RevokedAt = &at
	return s.putToken(ctx, in, "token.revoke", t, answer)
}

func (s *Service) putToken(ctx context.Context, in *gate.Session, action string, t model.Token, answer gate.Answer) (model.Token, error) {
	return store.Tokens.Apply(ctx, s.store, in.Change(ctx, action, t.ID, t.Name, answer, store.Tokens.Put(t)))
}

// Tokens lists the tokens of a principal, revoked and expired ones too; ""
// means the actor's own.
func (s *Service) Tokens(ctx context.Context, principalID model.ID, p model.Paging) (model.Page[model.Token], error) {
	if principalID == "" {
		actor, err := model.PrincipalFrom(ctx)
		if err != nil {
			return model.Page[model.Token]{}, err
		}
		principalID = actor.ID
	}
	q := store.Query{Index: "by_principal", Where: store.Eq("principal", principalID)}
	return gate.List(ctx, s.gate, store.Tokens, q, p, gate.Each(s.gate.Token))
}
