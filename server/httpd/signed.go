package httpd

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/souk-mesh/souk/graph/model"
)

// authenticator knows who holds a secret.
type authenticator interface {
	Authenticate(ctx context.Context, secret string) (model.Principal, error)
}

// sessions knows who sits before a browser, too.
type sessions interface {
	authenticator
	AuthenticateSession(ctx context.Context, secret string) (model.Principal, error)
}

// maxSecret is far above any secret that identity gives out.
const maxSecret = 512

// Signed lets only those pass who send a valid token in the Authorization
// header or, from the server's own pages, the cookie of a session, and tells the
// handler behind it who they are. Others get 401 and a GraphQL error.
func (s *Server) Signed(auth sessions, next http.Handler) http.Handler {
	return s.proved(func(r *http.Request) (model.Principal, error) {
		secret := SessionOf(r)
		if secret == "" || len(r.Header.Values("Authorization")) > 0 {
			return signIn(r, auth)
		}
		if err := sameOrigin(r); err != nil {
			return model.Principal{}, err
		}
		return auth.AuthenticateSession(r.Context(), secret)
	}, s.turnAway, next)
}

// SignedBy lets only those pass who send a valid token, for a door whose protocol
// has errors of its own: reject writes them, 401 with its header among them. It is
// for programs and takes no cookie.
func (s *Server) SignedBy(auth authenticator, reject func(http.ResponseWriter, *http.Request, error), next http.Handler) http.Handler {
	return s.proved(func(r *http.Request) (model.Principal, error) { return signIn(r, auth) }, reject, next)
}

// proved lets those pass of whom the request proves who they are.
func (s *Server) proved(who func(*http.Request) (model.Principal, error), reject func(http.ResponseWriter, *http.Request, error), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		within, done := context.WithTimeout(r.Context(), s.cfg.QueryTimeout)
		asker, err := who(r.WithContext(within))
		done()
		if err != nil {
			reject(w, r, err)
			return
		}
		if rec, ok := w.(*record); ok {
			rec.asker = asker.ID
			rec.again = func(ctx context.Context) (model.Principal, error) { return who(r.WithContext(ctx)) }
		}
		next.ServeHTTP(w, r.WithContext(model.WithPrincipal(r.Context(), asker)))
	})
}

func signIn(r *http.Request, auth authenticator) (model.Principal, error) {
	secret, err := bearer(r.Header)
	if err != nil {
		return model.Principal{}, err
	}
	return auth.Authenticate(r.Context(), secret)
}

func bearer(h http.Header) (string, error) {
	values := h.Values("Authorization")
	if len(values) == 0 {
		_, err := model.PrincipalFrom(context.Background())
		return "", err
	}
	scheme, secret, _ := strings.Cut(values[0], " ")
	secret = strings.TrimSpace(secret)
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") || secret == "" || len(secret) > maxSecret {
		return "", &model.Error{
			Kind: model.KindUnauthenticated, Message: "the header Authorization is not Bearer and a token",
			Hint: "send the header Authorization: Bearer TOKEN",
		}
	}
	return secret, nil
}

// Within gives a door that answers once the deadline of a query. A wait for
// what does not come ends there.
func (s *Server) Within(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), s.cfg.QueryTimeout)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// Pages gives pages for people their deadline: that of a query, and of a mutation
// where a form is sent.
func (s *Server) Pages(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := s.cfg.QueryTimeout
		if r.Method == http.MethodPost {
			limit += s.cfg.MutationTimeout // the page that shows what became of it is asked for, too
		}
		ctx, cancel := context.WithTimeout(r.Context(), limit)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// Asked notes for the log whose request it was, where the door itself finds that out.
func Asked(w http.ResponseWriter, who model.ID) {
	if rec, ok := w.(*record); ok {
		rec.asker = who
	}
}

// turnAway answers for a request whose sender is not known. An error that is
// no refusal keeps its words to the log.
func (s *Server) turnAway(w http.ResponseWriter, r *http.Request, err error) {
	media, ok := negotiate(r.Header)
	if !ok || media == mediaStream {
		media = mediaJSON
	}
	var refused *refusal
	kind := model.KindOf(err)
	if errors.Is(err, context.DeadlineExceeded) {
		kind = model.KindUnavailable
	}
	switch kind {
	case model.KindUnauthenticated:
		w.Header().Set("WWW-Authenticate", `Bearer realm="souk"`)
		refused = refuse(http.StatusUnauthorized, string(model.KindUnauthenticated), "%s", err)
	case model.KindUnavailable:
		s.log.ErrorContext(r.Context(), "sign-in unavailable", "error", err, "request", model.RequestIDFrom(r.Context()))
		refused = refuse(http.StatusServiceUnavailable, string(model.KindUnavailable), "the records cannot be read now; come back later")
	default:
		s.log.ErrorContext(r.Context(), "sign-in failed", "error", err, "request", model.RequestIDFrom(r.Context()))
		refused = refuse(http.StatusInternalServerError, CodeInternal, "something went wrong; the log knows it by the request id")
	}
	s.plain.refuse(w, r, media, "", refused)
}
