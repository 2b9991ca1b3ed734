// Package azureblob harvests the datasets in the containers of a storage account
// of Azure. It owns the way to a container: its listing, ranged reads, signatures
// and refusals. It refuses to write, and to read more of a blob than its head;
// what a dataset is, plugins/internal/lake knows.
package azureblob

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/xml"
	"net/http"
	"net/url"

	"github.com/souk-mesh/souk/plugins/internal/lake"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

//go:embed README.md
var doc string

// Plugin is the harvester of Azure Blob Storage.
func Plugin() sdk.Plugin[Config] {
	return sdk.Plugin[Config]{
		Info: sdk.Info{
			Name: "azureblob", Version: "1.0.0", Doc: doc,
			Summary: "Datasets in the containers of Azure Blob Storage: partitioned files, Iceberg and Delta tables, Parquet, CSV, JSON.",
			Emits:   []string{"asset"},
			Offers:  []string{sdk.OffersChanges},
		},
		Open: open, Judge: judge,
	}
}

type source struct {
	config Config
	client *web.Client
}

func open(_ context.Context, c Config, env sdk.Env) (sdk.Source, error) {
	if err := judge(c); err != nil {
		return nil, err
	}
	o := web.Options{Address: c.Endpoint, Field: "endpoint", Agent: "souk-azureblob/1.0.0"}
	var err error
	if o.Attach, o.Renew, err = c.attach(env); err != nil {
		return nil, err
	}
	s := &source{config: c}
	if s.client, err = web.New(env, c.HTTP, o); err != nil {
		return nil, err
	}
	return &lake.Source{
		Selection: c.selection(), Options: c.Options(), Word: "container", Buckets: s.containers, Shut: s.client.Close,
		Nothing: sdk.Config("containers", "fit no container of the account", "name containers that exist"),
		Bucket: func(name string) lake.Scope {
			return lake.Scope{Store: &container{s, name}, Namespace: c.namespace(name)}
		},
	}, nil
}

// results is a page of a listing, of containers or of blobs.
type results struct {
	XMLName    xml.Name `xml:"EnumerationResults"`
	Next       *string  `xml:"NextMarker"` // always there; empty on the last page
	Containers []struct {
		Name string `xml:"Name"`
	} `xml:"Containers>Container"`
	Blobs []blob `xml:"Blobs>Blob"`
}

func (s *source) containers(ctx context.Context) (names []string, err error) {
	query := url.Values{"comp": {"list"}}
	for {
		page, err := s.list(ctx, "", query)
		if err != nil {
			return nil, s.explain(err, "endpoint", "the list of containers", "or name the containers")
		}
		for _, c := range page.Containers {
			names = append(names, c.Name)
		}
		if *page.Next == "" {
			return names, nil
		}
		query.Set("marker", *page.Next)
	}
}

// list reads one page. What is no page of a listing to its end is an error.
func (s *source) list(ctx context.Context, path string, query url.Values) (*results, error) {
	text, _, err := s.client.Read(ctx, web.Request{Path: cmp.Or(path, "/"), Query: query, Header: http.Header{"Accept": {"application/xml"}}})
	if err != nil {
		return nil, err
	}
	var page results
	if err := xml.Unmarshal(text, &page); err != nil || page.Next == nil {
		return nil, sdk.Unavailable("the answer of "+s.client.Host()+" is broken, half, or not that of Azure Blob Storage", "run again; if it stays so, look at the endpoint and at what stands before the service", err)
	}
	return &page, nil
}

// explain says what a refusal means here. The service answers 403 both where the
// credentials are wrong and where a right is missing.
func (s *source) explain(err error, field, what, or string) error {
	code := web.Header(err, "X-Ms-Error-Code")
	fault := &sdk.Error{Err: err, Code: "azureblob." + code}
	switch status := web.Status(err); {
	case code == "AuthenticationFailed" || code == "InvalidAuthenticationInfo" || code == "NoAuthenticationInformation" || status == http.StatusUnauthorized && code != "":
		fault.Class, fault.Message = sdk.ClassAuth, s.client.Host()+" refuses the credentials"
		fault.Fix = "give the secret anew: a shared access signature may have ended, and a key may have been rotated; look at the clock of this machine"
	case status == http.StatusForbidden:
		fault.Class, fault.Message = sdk.ClassDenied, "reading "+what+" is denied"
		fault.Fix = "az role assignment create --role 'Storage Blob Data Reader' --assignee " + s.config.ClientID + " --scope THE-ACCOUNT-OR-CONTAINER, or give a signature with sp=rl; " + or
	case status == http.StatusNotFound:
		fault.Class, fault.Field, fault.Message, fault.Fix = sdk.ClassConfig, field, "there is no such thing as "+what, "write a name that exists"
	default:
		return err
	}
	return fault
}
