package identity

import (
	"context"
	"strings"
	"time"

	"github.com/souk-mesh/souk/graph/model"
	"github.com/souk-mesh/souk/server/store"
)

// Sessions says how long a person stays signed in to the console.
type Sessions struct {
	Life time.Duration // from signing in to its end, however much it is used
	Idle time.Duration // without a request
}

// InvitationPath is the page that an invitation opens, before its secret.
const InvitationPath = "/sign-in?invitation="

// invitationLife is how long the link of an invitation opens.
const invitationLife = 15 * time.Minute

// Session is a person who is signed in in one browser.
type Session struct {
	Token  model.Token
	Person model.Principal
}

func ended() error {
	return &model.Error{Kind: model.KindUnauthenticated, Message: "the session has ended", Hint: "sign in again"}
}

// SignIn makes a session of what a person shows: a token of theirs, or an
// invitation, which opens once. The device says where they sit, in words for the
// list of their sessions. A service has no session: it has no browser.
func (s *Service) SignIn(ctx context.Context, secret, device string) (Session, string, error) {
	found, err := s.opened(ctx, secret)
	if err != nil {
		return Session{}, "", err
	}
	shown, who := found.token, found.principal
	if shown.Opens() == model.TokenSession || who.Kind != model.Person {
		return Session{}, "", s.cannotSignIn(who)
	}
	return s.begin(model.WithPrincipal(ctx, who), who, shown, device)
}

// begin makes the session of a person who has shown a token. An invitation is used
// up by the same change.
func (s *Service) begin(ctx context.Context, who model.Principal, shown model.Token, device string) (Session, string, error) {
	in := s.gate.Session()
	t, session := s.mint(who.ID, deviceName(device), s.sessions.Life)
	t.Kind = model.TokenSession
	res, err := s.gate.Token(ctx, t)
	if err != nil {
		return Session{}, "", err
	}
	answer, err := in.Require(ctx, model.ActIdentity, res)
	if err != nil {
		return Session{}, "", err
	}
	writes, err := s.forgotten(ctx, who.ID)
	if err != nil {
		return Session{}, "", err
	}
	writes = append(writes, store.Tokens.Put(t), store.SessionUses.Put(s.use(t)))
	if shown.Kind == model.TokenInvitation {
		at := model.Instant(s.now())
		shown.RevokedAt = &at
		writes = append(writes, store.Tokens.Put(shown))
	}
	t, err = store.Tokens.Apply(ctx, s.store, in.Change(ctx, "session.begin", t.ID, t.Name, answer, writes...))
	if model.LostRace(err) { // the same link was taken in another window
		return Session{}, "", opensNothing()
	}
	return Session{Token: t, Person: who}, session, err
}

func (s *Service) cannotSignIn(who model.Principal) error {
	if who.Kind == model.Person {
		return opensNothing()
	}
	return &model.Error{Kind: model.KindUnauthenticated, Message: "the token is a service's, and only people sign in here", Hint: "use a token of your own"}
}

// Session tells who sits before a browser that sends the secret of a session, and
// notes that it is used. One that was ended, unused for too long or is too old, or
// whose person is suspended, is an error of kind Unauthenticated.
func (s *Service) Session(ctx context.Context, secret string) (Session, error) {
	found, err := s.opened(ctx, secret)
	t, who := found.token, found.principal
	if model.Is(err, model.KindUnauthenticated) || err == nil && t.Kind != model.TokenSession {
		return Session{}, ended()
	}
	if err != nil {
		return Session{}, err
	}
	used, err := store.SessionUses.Get(ctx, s.store, t.UseID())
	if model.Is(err, model.KindNotFound) {
		return Session{}, ended()
	}
	if err != nil {
		return Session{}, err
	}
	since := s.now().Sub(used.At)
	if since > s.sessions.Idle {
		return Session{}, ended()
	}
	if since > s.sessions.Idle/8 {
		err = s.noteUse(ctx, who.ID, used)
	}
	return Session{Token: t, Person: who}, err
}

// noteUse keeps that a session is used now. Where nothing can be written at present,
// people go on reading: the note comes with a later request.
func (s *Service) noteUse(ctx context.Context, who model.ID, used model.SessionUse) error {
	used.At = model.Instant(s.now())
	_, err := s.store.Apply(ctx, store.Change{Action: "session.use", Actor: who, Quiet: true, Writes: []store.Write{store.SessionUses.Put(used)}})
	if model.LostRace(err) || model.Is(err, model.KindUnavailable) { // another request has just noted the same, or reads only
		return nil
	}
	return err
}

// AuthenticateSession tells whose session it is, as Authenticate does of tokens.
func (s *Service) AuthenticateSession(ctx context.Context, secret string) (model.Principal, error) {
	now, err := s.Session(ctx, secret)
	return now.Person, err
}

// SignOut ends the session of the secret. Where there is none it does nothing.
func (s *Service) SignOut(ctx context.Context, secret string) error {
	now, err := s.Session(ctx, secret)
	if model.Is(err, model.KindUnauthenticated) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = s.RevokeToken(model.WithPrincipal(ctx, now.Person), now.Token.ID)
	return err
}

// Invite makes an invitation for a person, who signs in with its secret, once and
// within a quarter of an hour.
func (s *Service) Invite(ctx context.Context, person model.ID) (model.Token, string, error) {
	in := s.gate.Session()
	holder, err := s.holder(ctx, in, person)
	if err != nil {
		return model.Token{}, "", err
	}
	answer, err := s.requireAdmin(ctx, in, holder)
	if err != nil {
		return model.Token{}, "", err
	}
	switch {
	case holder.Kind != model.Person:
		return model.Token{}, "", model.Invalid("principalId", "is a service, which has no browser", "issue a token for it")
	case holder.Suspended:
		return model.Token{}, "", model.Conflict("principalId", "the principal is suspended", "lift the suspension first")
	}
	t, secret := s.mint(holder.ID, "invitation", invitationLife)
	t.Kind = model.TokenInvitation
	if t, err = s.putToken(ctx, in, "token.invite", t, answer); err != nil {
		return model.Token{}, "", err
	}
	return t, secret, nil
}

// Ended sessions are listed for a month, and go when their person signs in again,
// some at a time.
const (
	keepEnded    = 31 * 24 * time.Hour
	forgetAtOnce = 20
)

// forgotten takes away sessions and invitations of a person that ended long ago, so
// that signing in each day fills no store. The audit feed keeps what became of them.
func (s *Service) forgotten(ctx context.Context, person model.ID) ([]store.Write, error) {
	page, err := store.Tokens.Find(ctx, s.store, store.Query{Index: "by_principal", Where: store.Eq("principal", person), Limit: store.MaxPage})
	if err != nil {
		return nil, err
	}
	var writes []store.Write
	for _, t := range page.Nodes {
		if t.Opens() == model.TokenAPI || s.now().Sub(t.ExpiresAt) < keepEnded || len(writes) >= 2*forgetAtOnce {
			continue
		}
		writes = append(writes, store.Tokens.Delete(t))
		used, err := store.SessionUses.Get(ctx, s.store, t.UseID())
		if model.Is(err, model.KindNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		writes = append(writes, store.SessionUses.Delete(used))
	}
	return writes, nil
}

func (s *Service) use(t model.Token) model.SessionUse {
	return model.SessionUse{Meta: model.Meta{ID: t.UseID()}, SessionID: t.ID, At: model.Instant(s.now())}
}

// deviceName is what a list of sessions shows: what the browser says of itself,
// which is a stranger's text.
func deviceName(said string) string {
	said = strings.Join(strings.Fields(strings.ToValidUTF8(said, "?")), " ")
	if said == "" {
		return "a browser"
	}
	if letters := []rune(said); len(letters) > 100 {
		return string(letters[:100])
	}
	return said
}
