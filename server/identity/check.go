package identity

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/gate"
	"github.com/souk-mesh/souk/server/store"
)

// maxTeams bounds how many teams one principal belongs to.
const maxTeams = 50

var nameShape = regexp.MustCompile(`^[A-Za-z0-9._@-]{1,64}$`)

// checkName reports a sign-in name of the wrong shape. The server's own name
// is refused too, so that the audit feed has one meaning.
func checkName(name string) error {
	if !nameShape.MatchString(name) {
		return model.Invalid("name", "must be 1 to 64 letters, digits or . _ - @", "use a name such as \"ana@sales\"")
	}
	if strings.EqualFold(name, model.System().Name) {
		return model.Conflict("name", "is the server's own", "choose another name")
	}
	return nil
}

// checkShape reports what is wrong with the principal by itself. It looks
// nothing up, so it can run before anybody's rights are known.
func checkShape(p model.Principal) error {
	if p.Kind != model.Person && p.Kind != model.Service {
		return model.Invalid("kind", "must be PERSON or SERVICE", "")
	}
	for _, err := range []error{
		checkName(p.Name),
		model.Text{Field: "displayName", Least: 1, Most: 200}.Check(p.DisplayName),
		checkEmail(p.Email),
		checkRoles(p.Roles),
		checkClearance(p.Clearance),
		model.Text{Field: "region", Most: 40}.Check(p.Region),
	} {
		if err != nil {
			return err
		}
	}
	if len(p.TeamIDs) > maxTeams {
		return model.Invalid("teamIds", "names more than 50 teams", "name fewer")
	}
	return nil
}

func checkEmail(email string) error {
	if email == "" {
		return nil
	}
	if err := (model.Text{Field: "email", Most: 254}).Check(email); err != nil {
		return err
	}
	local, host, ok := strings.Cut(email, "@")
	if !ok || local == "" || host == "" || strings.ContainsAny(email, " \u00a0<>,;") || strings.Contains(host, "@") {
		return model.Invalid("email", "is no mail address", "use one such as ana@acme.example")
	}
	return nil
}

func checkRoles(roles []model.Role) error {
	for i, role := range roles {
		if !slices.Contains(model.Roles(), role) {
			return model.Invalid("roles", "must be ADMIN, STEWARD, EMPLOYEE, PEP or TRUSTED_PEP", model.DidYouMean(string(role), model.Roles()))
		}
		if slices.Contains(roles[:i], role) {
			return model.Invalid("roles", "names "+string(role)+" twice", "name each once")
		}
	}
	return nil
}

// checkKind refuses a person the roles of programs: whoever holds one may ask
// about everybody, and nobody answers for how a person would enforce that.
func checkKind(p model.Principal) error {
	for _, role := range p.Roles {
		if p.Kind == model.Person && (role == model.RolePEP || role == model.RoleTrusted) {
			return model.Invalid("roles", string(role)+" is for services, not for people", "make a principal of kind SERVICE for the program that asks")
		}
	}
	return nil
}

// checkTaken refuses a name that is another's but for small and capital
// letters: people would take the one for the other. Stores from before may hold
// such pairs, and keep them.
//
// Two that come at once both pass this: reserve lets one of them through.
func (s *Service) checkTaken(ctx context.Context, name string) error {
	for p, err := range store.Principals.All(ctx, s.store, store.Query{Index: "by_name", Limit: store.MaxPage}) {
		if err != nil {
			return err
		}
		if strings.EqualFold(p.Name, name) {
			return taken()
		}
	}
	return nil
}

func taken() error {
	return model.Exists("name", "is taken; small and capital letters make no difference", "choose another name")
}

// alike is where names are kept that differ in small and capital letters only:
// it stands for a domain, and so no look-up of a former name finds them.
const alike model.ID = "alike"

// reserve keeps the name, and those that are the same but for small and capital
// letters, in the change that gives it. Two changes that do so for two
// principals write one record, and the store refuses the later one.
func (s *Service) reserve(ctx context.Context, p model.Principal) ([]store.Write, error) {
	folded := strings.ToLower(p.Name) // names are ASCII
	if err := s.gate.Free(ctx, model.PrefixPrincipal, alike, folded, p.ID); err != nil {
		return nil, err
	}
	return s.gate.Claim(ctx, model.PrefixPrincipal, alike, folded, p.ID)
}

// name makes the change that gives the principal its name.
func (s *Service) name(ctx context.Context, in *gate.Session, action string, p model.Principal, answer gate.Answer, more ...store.Write) (model.Principal, error) {
	reserved, err := s.reserve(ctx, p)
	if err != nil {
		return model.Principal{}, err
	}
	named, err := s.put(ctx, in, action, p, answer, append(more, reserved...)...)
	if model.LostRace(err) { // somebody may have come first
		if lost := s.gate.Free(ctx, model.PrefixPrincipal, alike, strings.ToLower(p.Name), p.ID); lost != nil {
			return model.Principal{}, taken()
		}
	}
	return named, err
}

func checkClearance(c model.Classification) error {
	switch c {
	case "", model.Public, model.Internal, model.Confidential, model.Restricted:
		return nil
	default:
		return model.Invalid("clearance", "must be PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED", "PUBLIC is the lowest; left out it counts as INTERNAL")
	}
}

// checkPlaces reports a domain or a team that does not exist.
func (s *Service) checkPlaces(ctx context.Context, in *gate.Session, p model.Principal) error {
	if p.DomainID != "" {
		if _, err := gate.Refer(ctx, in, store.Domains, "domainId", gate.Each(s.gate.Domain), p.DomainID); err != nil {
			return err
		}
	}
	_, err := gate.Refer(ctx, in, store.Teams, "teamIds", gate.Each(s.gate.Team), p.TeamIDs...)
	return err
}
