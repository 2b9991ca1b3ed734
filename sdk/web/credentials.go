package web

import (
	"context"
	"net/http"
)

// Credentials sign requests in with a bearer token, else as a user with a
// password, else not at all. Its Attach goes into Options.
type Credentials struct{ User, Password, Token string }

// Attach puts the credentials into a request.
func (c Credentials) Attach(_ context.Context, r *http.Request) error {
	switch {
	case c.Token != "":
		r.Header.Set("Authorization", "Bearer "+c.Token)
	case c.User != "":
		r.SetBasicAuth(c.User, c.Password)
	}
	return nil
}
