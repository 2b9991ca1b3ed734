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

// Authenticate tells whose secret it is. A secret that opens nothing is an
// error of kind Unauthenticated, in the same words whether it is unknown,
// revoked or its principal suspended; only expiry is named, to its holder.
func (s *Service) Authenticate(ctx context.Context, secret string) (model.Principal, error) {
	encoded, ok := strings.CutPrefix(secret, secretPrefix)
	if !ok || len(encoded) != secretAlphabet.EncodedLen(32) {
		return model.Principal{}, opensNothing()
	}
	found, err := s.signature(ctx, hashOf(secret))
	switch {
	case model.Is(err, model.KindNotFound):
		return model.Principal{}, opensNothing()
	case err != nil:
		return model.Principal{}, err
	case !found.opens():
		return model.Principal{}, opensNothing()
	case !found.token.Valid(s.now()):
		return model.Principal{}, &model.Error{
			Kind: model.KindUnauthenticated, Code: "TOKEN_EXPIRED",
			Message: "the token expired on " + found.token.ExpiresAt.Format(time.RFC3339), Hint: "issue a new one",
		}
	}
	p := found.principal // each request has lists of its own
	p.Roles, p.TeamIDs = slices.Clone(p.Roles), slices.Clone(p.TeamIDs)
	return p, nil
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
