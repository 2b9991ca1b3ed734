package web

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/credential"
)

// OAuth asks an authorization server for tokens (RFC 6749): with the credentials
// of the client, or with a refresh token where there is one.
type OAuth struct {
	Server       *Client // its address is that of the token endpoint
	ClientID     string
	ClientSecret string
	InBody       bool // the client's secret stands in the form, and not in the header Authorization
	Form         url.Values
	RefreshToken string // the first one; the server may give another with each token

	// Assertion signs what the client says of itself in place of its secret
	// (RFC 7523), anew for each token. It may be nil.
	Assertion func() (string, error)

	// Rotated is told when the server has given another refresh token. The one
	// in the configuration may be worth nothing from then on. It may be nil.
	Rotated func()

	mu    sync.Mutex
	later string // the refresh token that the server gave last
}

// Get asks for a token. It fits NewTokens.
func (o *OAuth) Get(ctx context.Context) (Token, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	request, err := o.request()
	if err != nil {
		return Token{}, err
	}
	text, header, err := o.Server.Read(ctx, request)
	if err != nil {
		return Token{}, o.refused(err)
	}
	var answer struct {
		Token   string      `json:"access_token"`
		Life    json.Number `json:"expires_in"`
		Refresh string      `json:"refresh_token"`
	}
	if err := json.Unmarshal(text, &answer); err != nil || answer.Token == "" {
		return Token{}, o.Server.noJSON(err, request, header)
	}
	if answer.Refresh != "" && answer.Refresh != cmp.Or(o.later, o.RefreshToken) {
		o.later = answer.Refresh
		if o.Rotated != nil {
			o.Rotated()
		}
	}
	seconds, _ := answer.Life.Float64()
	return Token{Value: answer.Token, Life: time.Duration(min(max(seconds, 0), 365*24*60*60) * float64(time.Second))}, nil
}

func (o *OAuth) request() (Request, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	if o.RefreshToken != "" {
		form = url.Values{"grant_type": {"refresh_token"}, "refresh_token": {cmp.Or(o.later, o.RefreshToken)}}
	}
	maps.Copy(form, o.Form)
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	switch {
	case o.Assertion != nil:
		assertion, err := o.Assertion()
		if err != nil {
			return Request{}, err
		}
		form = url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}
	case o.InBody:
		form.Set("client_id", o.ClientID)
		form.Set("client_secret", o.ClientSecret)
	default:
		r := http.Request{Header: header}
		r.SetBasicAuth(url.QueryEscape(o.ClientID), url.QueryEscape(o.ClientSecret))
	}
	// A refresh token may be good for one use: a request that may have arrived is
	// not sent again.
	return Request{Method: http.MethodPost, Header: header, Body: []byte(form.Encode()), Asks: o.RefreshToken == ""}, nil
}

// refused tells what a 400 means here: RFC 6749 answers so where it refuses.
func (o *OAuth) refused(err error) error {
	what, fix := "the client or its secret", "give the id of the client and its secret anew"
	if o.RefreshToken != "" {
		what, fix = "the refresh token, the client or its secret", "sign in at the source again and give the refresh token that you get; one that rotates is worth nothing once it was used"
	}
	if status := Status(err); status != http.StatusBadRequest && status != http.StatusUnauthorized {
		return err
	}
	_, words, _ := strings.Cut(err.Error(), o.Server.base.Host+": ")
	for _, secret := range []string{o.ClientSecret, o.RefreshToken, o.later} {
		if secret != "" {
			words = strings.ReplaceAll(words, secret, credential.Mark)
		}
	}
	e := sdk.Auth(strings.TrimSuffix("the server of tokens refuses "+what+": "+words, ": "), fix)
	e.Err = err
	return e
}
