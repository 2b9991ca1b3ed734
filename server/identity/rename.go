package identity

import (
	"context"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// RenamePrincipal gives a principal another name to sign in with. Somebody that
// rules in force speak of keeps the name. The old one stays with them.
func (s *Service) RenamePrincipal(ctx context.Context, id model.ID, name string, expected *model.Revision) (model.Principal, error) {
	in := s.gate.Session()
	was, err := s.principal(ctx, in, id)
	if err != nil {
		return model.Principal{}, err
	}
	p := was
	p.Name = name
	if err := checkName(p.Name); err != nil {
		return model.Principal{}, err
	}
	answer, err := s.requireAdmin(ctx, in, was)
	if err != nil {
		return model.Principal{}, err
	}
	if err := expect(expected, was.Meta, "principal"); err != nil || p.Name == was.Name {
		return was, err
	}
	if err := s.unspoken(was); err != nil {
		return model.Principal{}, err
	}
	if err := s.checkTaken(ctx, p.Name); err != nil {
		return model.Principal{}, err
	}
	if err := s.gate.Free(ctx, model.PrefixPrincipal, "", p.Name, p.ID); err != nil {
		return model.Principal{}, err
	}
	claim, err := s.gate.Claim(ctx, model.PrefixPrincipal, "", was.Name, p.ID)
	if err != nil {
		return model.Principal{}, err
	}
	return s.name(ctx, in, "principal.rename", p, answer, claim...)
}

// unspoken reports somebody that rules in force speak of, by name or by id.
func (s *Service) unspoken(p model.Principal) error {
	for _, name := range []string{p.Name, string(p.ID)} {
		if files := s.gate.Mentions(name); len(files) > 0 {
			return model.Conflict("id", "rules in force speak of "+p.Name+": "+files[0], "have those rules changed first")
		}
	}
	return nil
}

// RenameToken says anew what a token is for. Its secret stays.
func (s *Service) RenameToken(ctx context.Context, id model.ID, name string, expected *model.Revision) (model.Token, error) {
	in := s.gate.Session()
	t, res, err := gate.See(ctx, in, store.Tokens, id, s.gate.Token)
	if err != nil {
		return model.Token{}, err
	}
	if err := (model.Text{Field: "name", Least: 1, Most: 100}).Check(name); err != nil {
		return model.Token{}, err
	}
	answer, err := in.Require(ctx, model.ActIdentity, res)
	if err != nil {
		return model.Token{}, err
	}
	if err := expect(expected, t.Meta, "token"); err != nil {
		return model.Token{}, err
	}
	t.Name = name
	return s.putToken(ctx, in, "token.rename", t, answer)
}

// expect reports that the record is no longer the one that the sender has seen.
func expect(want *model.Revision, is model.Meta, noun string) error {
	if want == nil || *want == is.Revision {
		return nil
	}
	return model.Stale("expectedVersion", "the "+noun+" was changed by somebody else", "read it again and repeat your change")
}
