// Package entra is how the plugins for services of Azure sign in: as an
// application of Microsoft Entra ID with a secret. It owns the exchange of the secret for
// a token; it refuses certificates and identities of machines, which it does not know.
package entra

import (
	"net/url"
	"strings"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// Config is embedded in the configuration of a plugin.
type Config struct {
	Login        string `json:"login" doc:"Address of Entra ID." format:"url" host:"true" default:"https://login.microsoftonline.com"`
	Tenant       string `json:"tenant" doc:"Id of the tenant in Entra ID."`
	ClientID     string `json:"clientId" doc:"Id of the registered application."`
	ClientSecret string `json:"clientSecret" doc:"Secret of the application." format:"secret"`
}

// Judge says what is wrong with the configuration, from the text alone.
func (c Config) Judge() error {
	if strings.ContainsAny(c.Tenant, "/?#%\\") {
		return sdk.Config("tenant", "is no id of a tenant", "write the id, such as 72f988bf-86f1-41af-91ab-2d7cd011db47, or the domain")
	}
	return nil
}

// SignIn gives what web.Options wants, for a resource such as
// https://management.azure.com. The client is to be closed with the source.
func (c Config) SignIn(env sdk.Env, http web.Config, resource, agent string) (*web.Tokens, *web.Client, error) {
	if err := c.Judge(); err != nil {
		return nil, nil, err
	}
	login, err := web.New(env, http, web.Options{Address: strings.TrimSuffix(c.Login, "/") + "/" + c.Tenant + "/oauth2/v2.0/token", Field: "login", Agent: agent, MaxBytes: 1 << 20})
	if err != nil {
		return nil, nil, err
	}
	o := &web.OAuth{Server: login, ClientID: c.ClientID, ClientSecret: c.ClientSecret, InBody: true, Form: url.Values{"scope": {resource + "/.default"}}}
	return web.NewTokens(env.Now, o.Get), login, nil
}
