package web

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// early is how long before its end a token is no longer used.
const early = time.Minute

// Token is a credential that ends.
type Token struct {
	Value string
	Life  time.Duration // from now on; 0: until it is refused
}

// Tokens keeps one token and gets another when it ends or is refused. Its
// methods are what Options wants. It is safe for use by several goroutines.
type Tokens struct {
	get  func(context.Context) (Token, error)
	now  func() time.Time
	mu   sync.Mutex
	held Token
	till time.Time
}

// NewTokens makes one that asks get for tokens. now is that of the Env.
func NewTokens(now func() time.Time, get func(context.Context) (Token, error)) *Tokens {
	return &Tokens{get: get, now: now}
}

// Login exchanges the name and the password of a person for a token, at servers
// that have a way of their own for it.
type Login struct {
	Server *Client // without credentials
	Path   string
	Body   any    // is sent as JSON
	Field  string // of the answer, that holds the token
	None   error  // what to say where the answer holds none
}

// Get asks for a token. It fits NewTokens.
func (l Login) Get(ctx context.Context) (Token, error) {
	request, err := Request{Method: http.MethodPost, Path: l.Path, Asks: true}.JSON(l.Body)
	if err != nil {
		return Token{}, err
	}
	var answer map[string]any
	if err := l.Server.Into(ctx, request, &answer); err != nil {
		return Token{}, err
	}
	token, _ := answer[l.Field].(string)
	if token == "" {
		return Token{}, l.None
	}
	return Token{Value: token}, nil
}

// Attach sends the token as a bearer.
func (t *Tokens) Attach(ctx context.Context, r *http.Request) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held.Value == "" || !t.till.IsZero() && !t.now().Before(t.till) {
		if err := t.renew(ctx); err != nil {
			return err
		}
	}
	r.Header.Set("Authorization", "Bearer "+t.held.Value)
	return nil
}

// Renew gets another token.
func (t *Tokens) Renew(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.renew(ctx)
}

func (t *Tokens) renew(ctx context.Context) error {
	token, err := t.get(ctx)
	if err != nil {
		return err
	}
	t.held, t.till = token, time.Time{}
	if token.Life > 0 {
		t.till = t.now().Add(max(token.Life-early, token.Life/2))
	}
	return nil
}
