package gcs

import (
	"encoding/json"

	"github.com/souk-mesh/souk/plugins/internal/lake"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// Config says which buckets to read, and as whom.
type Config struct {
	Endpoint       string   `json:"endpoint" doc:"Address of the service." format:"url" default:"https://storage.googleapis.com"`
	SignIn         string   `json:"signInEndpoint" doc:"Address that gives tokens for the key of the service account." format:"url" default:"https://oauth2.googleapis.com/token"`
	ServiceAccount string   `json:"serviceAccountKey,omitempty" doc:"The key of a service account that may only read: the JSON file as it is." format:"secret"`
	Identity       string   `json:"identity" doc:"Who asks: key (the service account) or anonymous (nobody, for public data). Only an administrator may choose another than key." enum:"key,anonymous" default:"key" admin:"true"`
	Project        string   `json:"project,omitempty" doc:"The project whose buckets are listed; that of the service account when empty."`
	Buckets        []string `json:"buckets,omitempty" doc:"The buckets to harvest, by name or as patterns such as sales-*; all of the project when empty."`
	Exclude        []string `json:"excludeBuckets,omitempty" doc:"Buckets to leave out, by name or as patterns."`
	Prefixes       []string `json:"prefixes,omitempty" doc:"Folders of buckets to harvest in place of the whole bucket, such as sales/raw/orders."`
	lake.Choice
	HTTP web.Config `json:"http,omitzero"`
}

func (c Config) selection() lake.Selection {
	return lake.Selection{
		Include: c.Buckets, Exclude: c.Exclude, Prefixes: c.Prefixes,
		Fields: lake.Fields{Include: "buckets", Exclude: "excludeBuckets", Prefixes: "prefixes"},
	}
}

// judge looks at the text of the configuration alone.
func judge(c Config) error {
	if err := c.HTTP.JudgeAll(web.Address{Field: "endpoint", Text: c.Endpoint}, web.Address{Field: "signInEndpoint", Text: c.SignIn}); err != nil {
		return err
	}
	if err := c.selection().Judge(); err != nil {
		return err
	}
	return c.Options().Judge()
}

// account is the key of a service account, as Google gives it out. Where the
// file itself says that tokens come from is not asked: it may say anything.
type account struct {
	Type       string `json:"type"`
	Email      string `json:"client_email"`
	KeyID      string `json:"private_key_id"`
	PrivateKey string `json:"private_key"`
	Project    string `json:"project_id"`
}

func (c Config) account() (*account, error) {
	const fix = "give the JSON file of a key of a service account as the secret serviceAccountKey"
	var a account
	switch {
	case c.ServiceAccount == "":
		return nil, sdk.Config("serviceAccountKey", "is missing", fix+"; none is taken from the machine")
	case json.Unmarshal([]byte(c.ServiceAccount), &a) != nil:
		return nil, sdk.Config("serviceAccountKey", "is no JSON", fix)
	case a.Type != "service_account" || a.Email == "" || a.PrivateKey == "":
		return nil, sdk.Config("serviceAccountKey", "is no key of a service account", fix)
	}
	return &a, nil
}
