package identity

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// signature is a token with the principal that it stands for.
type signature struct {
	token     model.Token
	principal model.Principal
}

// opens reports whether the token lets its principal in, as long as it lasts.
func (s signature) opens() bool { return s.token.RevokedAt == nil && !s.principal.Suspended }

// Authenticate tells whose token it is that opens the API. A secret that opens
// nothing is an error of kind Unauthenticated, in the same words whether it is
// unknown, revoked, of another kind or its principal suspended; only expiry is
// named, to its holder.
func (s *Service) Authenticate(ctx context.Context, secret string) (model.Principal, error) {
	found, err := s.opened(ctx, secret)
	if err == nil && found.token.Opens() != model.TokenAPI {
		err = opensNothing()
	}
	if err != nil {
		return model.Principal{}, err
	}
	return found.principal, nil
}

// opened gives the token of a secret, of whichever kind, and whose it is.
func (s *Service) opened(ctx context.Context, secret string) (signature, error) {
	encoded, ok := strings.CutPrefix(secret, secretPrefix)
	if !ok || len(encoded) != secretAlphabet.EncodedLen(32) {
		return signature{}, opensNothing()
	}
	found, err := s.signature(ctx, hashOf(secret))
	switch {
	case model.Is(err, model.KindNotFound):
		return signature{}, opensNothing()
	case err != nil:
		return signature{}, err
	case !found.opens():
		return signature{}, opensNothing()
	case !found.token.Valid(s.now()):
		return signature{}, &model.Error{
			Kind: model.KindUnauthenticated, Code: "TOKEN_EXPIRED",
			Message: "the token expired on " + found.token.ExpiresAt.Format(time.RFC3339), Hint: "issue a new one",
		}
	}
	p := &found.principal // each request has lists of its own
	p.Roles, p.TeamIDs = slices.Clone(p.Roles), slices.Clone(p.TeamIDs)
	return found, nil
}

func opensNothing() error {
	return &model.Error{Kind: model.KindUnauthenticated, Message: "the token opens nothing", Hint: "ask an administrator for a new one"}
}

// signature finds the token and its principal. Those that open are remembered
// until either table is written, by whichever server: a token that was revoked,
// and a principal who was suspended or has other roles, are read by the next
// request. What opens nothing is not remembered: strangers could fill the memory.
func (s *Service) signature(ctx context.Context, hash string) (signature, error) {
	tables := []store.Kind{store.Tokens.Kind(), store.Principals.Kind()}
	return s.known.Get(ctx, s.store, model.ID(hash), tables, func() (signature, bool, error) {
		found, err := s.findSignature(ctx, hash)
		return found, found.opens(), err
	})
}

// findSignature reads both. A principal who was removed in the same moment is not found.
func (s *Service) findSignature(ctx context.Context, hash string) (found signature, err error) {
	found.token, err = store.Tokens.First(ctx, s.store, store.Query{Index: "by_hash", Where: store.Eq("hash", hash)})
	if err == nil {
		found.principal, err = store.Principals.Get(ctx, s.store, found.token.PrincipalID)
	}
	return found, err
}
