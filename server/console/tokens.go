package console

import (
	"net/http"

	"github.com/souk-mesh/souk/server/console/query"
)

// tokensPage is where a person is signed in, and the tokens that they have.
type tokensPage struct {
	Sessions, Tokens []*query.TokensTokensTokenConnectionNodesToken
	This             string // id of the session of the request
}

func (c *Console) ownTokens(v *visit) error { return c.showTokens(v, http.StatusOK, nil) }

func (c *Console) showTokens(v *visit, status int, wrong problems) error {
	found, err := query.Tokens(v.Context(), c.ask)
	if err != nil {
		return err
	}
	now, err := c.session(v.Request)
	if err != nil {
		return err
	}
	shown := tokensPage{This: string(now.Token.ID)}
	for _, t := range found.Tokens.Nodes {
		switch {
		case t.RevokedAt != nil || t.ExpiresAt.Before(c.cfg.Now()):
		case t.Kind == query.TokenKindSession:
			shown.Sessions = append(shown.Sessions, t)
		case t.Kind == query.TokenKindApi:
			shown.Tokens = append(shown.Tokens, t)
		}
	}
	return c.render(v, status, "sessions", view{Title: "Where you are signed in", Problems: wrong, Page: shown})
}

// endToken ends a session or a token.
func (c *Console) endToken(v *visit) error {
	answer, err := query.EndToken(v.Context(), c.ask, v.PathValue("id"))
	if err != nil {
		return err
	}
	if wrong := answer.RevokeToken.UserErrors; len(wrong) > 0 {
		return c.showTokens(v, http.StatusUnprocessableEntity, beside(wrong))
	}
	return v.goTo("/sessions")
}
