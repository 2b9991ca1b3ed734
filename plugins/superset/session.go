package superset

import (
	"context"
	"net/http"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// session is one sign-in: its short token is made anew by a long one, and both by
// the password.
type session struct {
	*source
	long string
}

// get fits web.NewTokens, which asks one caller at a time.
func (s *session) get(ctx context.Context) (web.Token, error) {
	if s.long != "" {
		short, err := s.refresh(ctx)
		if err == nil || !refused(web.Status(err)) {
			return web.Token{Value: short}, err
		}
	}
	body := map[string]any{"username": s.User, "password": s.Password, "provider": s.Provider, "refresh": true}
	request, err := web.Request{Method: http.MethodPost, Path: "/api/v1/security/login", Asks: true}.JSON(body)
	if err != nil {
		return web.Token{}, err
	}
	var answer tokens
	if err := s.open.Into(ctx, request, &answer); err != nil {
		return web.Token{}, err
	}
	if s.long = answer.Long; answer.Short == "" {
		return web.Token{}, sdk.Auth("Superset gives no token for the user and the password", "give a user of Superset itself or of the directory (provider: ldap); one who signs in elsewhere, as by OAuth, cannot sign in to the API")
	}
	return web.Token{Value: answer.Short}, nil
}

type tokens struct {
	Short string `json:"access_token"`
	Long  string `json:"refresh_token"`
}

func refused(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusUnprocessableEntity || status == http.StatusNotFound
}

func (s *session) refresh(ctx context.Context) (string, error) {
	var answer tokens
	request := web.Request{Method: http.MethodPost, Path: "/api/v1/security/refresh", Asks: true, Header: http.Header{"Authorization": {"Bearer " + s.long}}}
	err := s.open.Into(ctx, request, &answer)
	if err == nil && answer.Short == "" {
		s.long = ""
		return s.refreshed(ctx)
	}
	return answer.Short, err
}

// refreshed signs in anew where the long token gave nothing.
func (s *session) refreshed(ctx context.Context) (string, error) {
	t, err := s.get(ctx)
	return t.Value, err
}
