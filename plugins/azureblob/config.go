package azureblob

import (
	"cmp"
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/lake"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

// Config says which containers to read, and as whom.
type Config struct {
	Endpoint     string   `json:"endpoint" doc:"Address of the storage account, such as https://sales.blob.core.windows.net." format:"url"`
	Account      string   `json:"account,omitempty" doc:"Name of the storage account, where the address does not begin with it."`
	AccountKey   string   `json:"accountKey,omitempty" doc:"A key of the account. It may do everything: a token or an application that may only read is better." format:"secret"`
	SAS          string   `json:"sasToken,omitempty" doc:"A shared access signature that may list and read (sp=rl), as it stands behind the question mark." format:"secret"`
	ClientSecret string   `json:"clientSecret,omitempty" doc:"Secret of the application in Entra, with tenant and clientId." format:"secret"`
	Tenant       string   `json:"tenant,omitempty" doc:"The tenant of the application in Entra, by its id or domain."`
	ClientID     string   `json:"clientId,omitempty" doc:"The id of the application in Entra."`
	SignIn       string   `json:"signInEndpoint" doc:"Address of Entra, which gives tokens to the application." format:"url" default:"https://login.microsoftonline.com"`
	Identity     string   `json:"identity" doc:"Who asks: given (by the one secret that is given here) or anonymous (nobody, for public containers). Only an administrator may choose another than given." enum:"given,anonymous" default:"given" admin:"true"`
	Containers   []string `json:"containers,omitempty" doc:"The containers to harvest, by name or as patterns such as sales-*; all of the account when empty."`
	Exclude      []string `json:"excludeContainers,omitempty" doc:"Containers to leave out, by name or as patterns."`
	Prefixes     []string `json:"prefixes,omitempty" doc:"Folders of containers to harvest in place of the whole container, such as sales/raw/orders."`
	Names        string   `json:"names" doc:"How other systems name what lies here: wasbs (wasbs://CONTAINER@ACCOUNT.blob.core.windows.net) or abfss (abfss://CONTAINER@ACCOUNT.dfs.core.windows.net)." enum:"wasbs,abfss" default:"wasbs"`
	lake.Choice
	HTTP web.Config `json:"http,omitzero"`
}

func (c Config) selection() lake.Selection {
	return lake.Selection{
		Include: c.Containers, Exclude: c.Exclude, Prefixes: c.Prefixes,
		Fields: lake.Fields{Include: "containers", Exclude: "excludeContainers", Prefixes: "prefixes"},
	}
}

// judge looks at the text of the configuration alone.
func judge(c Config) error {
	if err := c.HTTP.JudgeAll(web.Address{Field: "endpoint", Text: c.Endpoint}, web.Address{Field: "signInEndpoint", Text: c.SignIn}); err != nil {
		return err
	}
	if (c.Tenant == "") != (c.ClientID == "") {
		return sdk.Config("tenant", "and clientId belong together", "give both, or none")
	}
	if err := c.selection().Judge(); err != nil {
		return err
	}
	return c.Options().Judge()
}

// account is the name of the storage account.
func (c Config) account() string {
	u, err := url.Parse(c.Endpoint)
	if err != nil {
		return c.Account
	}
	first, _, _ := strings.Cut(u.Hostname(), ".")
	return cmp.Or(c.Account, first)
}

// namespace is that of a container, as OpenLineage has it.
func (c Config) namespace(container string) string {
	host := c.account() + ".blob.core.windows.net"
	if u, err := url.Parse(c.Endpoint); err == nil && strings.HasPrefix(u.Hostname(), c.account()+".") {
		host = strings.ToLower(u.Hostname())
	}
	if c.Names == "abfss" {
		return "abfss://" + container + "@" + strings.Replace(host, ".blob.", ".dfs.", 1)
	}
	return "wasbs://" + container + "@" + host
}

// secret tells which one is given. None is taken from the machine.
func (c Config) secret() (string, error) {
	var given []string
	for _, s := range []struct{ name, value string }{{"accountKey", c.AccountKey}, {"sasToken", c.SAS}, {"clientSecret", c.ClientSecret}} {
		if s.value != "" {
			given = append(given, s.name)
		}
	}
	switch {
	case c.Identity == "anonymous":
		return "", nil
	case len(given) != 1:
		return "", sdk.Config("sasToken", "is not the one secret that is given, and neither is another", "give one of the secrets sasToken, clientSecret and accountKey; none is taken from the machine")
	case given[0] == "clientSecret" && c.Tenant == "":
		return "", sdk.Config("tenant", "is missing", "give tenant and clientId of the application whose secret clientSecret is")
	case given[0] == "accountKey":
		if _, err := base64.StdEncoding.DecodeString(c.AccountKey); err != nil {
			return "", sdk.Config("accountKey", "is no key of an account", "copy the key as it stands under Access keys")
		}
	}
	return given[0], nil
}
