package pdp

import (
	"context"
	"sync"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/policy"
	"github.com/souk-mesh/souk/server/store"
)

// Archive is a signed bundle of rules. Its revision changes when a rule in it does.
type Archive struct {
	Revision string
	Data     []byte
}

// archives keeps the newest archive of each scope: a signature differs each
// time it is made, and costs more than all the rest.
type archives struct {
	mu   sync.Mutex
	kept map[string]Archive
}

// Bundle gives the rules of a scope, the platform or a domain's name, for
// engines outside of Souk. It returns an error of kind NotFound for a domain
// that there is none of, and where the operator has given no key.
func (s *Service) Bundle(ctx context.Context, scope string) (Archive, error) {
	if _, err := s.gate.Require(ctx, model.ActPolicyRead, s.gate.Platform("policy", scope)); err != nil {
		return Archive{}, err
	}
	if s.key.ID == "" {
		return Archive{}, noKey()
	}
	b, err := s.engine.Snapshot().Bundle(scope)
	if err != nil {
		return Archive{}, err
	}
	if scope != policy.ScopePlatform {
		if _, err := store.Domains.First(ctx, s.store, store.Query{Index: "by_name", Where: store.Eq("name", scope)}); err != nil {
			return Archive{}, err
		}
	}
	s.archives.mu.Lock()
	defer s.archives.mu.Unlock()
	if a, ok := s.archives.kept[scope]; ok && a.Revision == b.Revision {
		return a, nil
	}
	data, err := b.Sign(s.key)
	if err != nil {
		return Archive{}, err
	}
	a := Archive{Revision: b.Revision, Data: data}
	s.archives.kept[scope] = a
	return a, nil
}

// VerificationKey gives the id and the public half of the key that bundles are
// signed with, in PEM.
func (s *Service) VerificationKey() (id, public string, err error) {
	if s.key.ID == "" {
		return "", "", noKey()
	}
	return s.key.ID, s.key.Public, nil
}

func noKey() error {
	return &model.Error{Kind: model.KindNotFound, Message: "this server signs no bundles", Hint: "let the operator give it a key with the setting bundle-key"}
}
