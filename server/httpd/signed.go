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

// maxSecret is far above any secret that identity gives out.
const maxSecret = 512

// Signed lets only those pass who send a valid token in the Authorization
// header, and tells the handler behind it who they are. Others get 401 and a
// GraphQL error.
func (s *Server) Signed(auth authenticator, next http.Handler) http.Handler {
	return s.SignedBy(auth, s.turnAway, next)
}

// SignedBy is Signed for a door whose protocol has errors of its own: reject
// writes them, 401 with its header among them.
func (s *Server) SignedBy(auth authenticator, reject func(http.ResponseWriter, *http.Request, error), next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		within, done := context.WithTimeout(r.Context(), s.cfg.QueryTimeout)
		who, err := signIn(r.WithContext(within), auth)
		done()
		if err != nil {
			reject(w, r, err)
			return
		}
		if rec, ok := w.(*record); ok {
			rec.asker = who.ID
			rec.again = func(ctx context.Context) (model.Principal, error) {
				return signIn(r.WithContext(ctx), auth)
			}
		}
		next.ServeHTTP(w, r.WithContext(model.WithPrincipal(r.Context(), who)))
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
