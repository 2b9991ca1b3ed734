// Package gcs harvests the datasets in the buckets of Google Cloud Storage. It
// owns the way to a bucket: its listing, ranged reads and refusals, over the
// JSON API. It refuses to write, and to read more of an object than its head;
// what a dataset is, plugins/internal/lake knows.
package gcs

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/souk-mesh/souk/plugins/internal/lake"
	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

//go:embed README.md
var doc string

// Plugin is the harvester of Google Cloud Storage.
func Plugin() sdk.Plugin[Config] {
	return sdk.Plugin[Config]{
		Info: sdk.Info{
			Name: "gcs", Version: "1.0.0", Doc: doc,
			Summary: "Datasets in the buckets of Google Cloud Storage: partitioned files, Iceberg and Delta tables, Parquet, CSV, JSON.",
			Emits:   []string{"asset"},
			Offers:  []string{sdk.OffersChanges},
		},
		Open: open, Judge: judge,
	}
}

type source struct {
	config  Config
	project string
	email   string
	client  *web.Client
}

func open(_ context.Context, c Config, env sdk.Env) (sdk.Source, error) {
	if err := judge(c); err != nil {
		return nil, err
	}
	s := &source{config: c, project: c.Project}
	o := web.Options{Address: c.Endpoint, Field: "endpoint", Agent: "souk-gcs/1.0.0"}
	if c.Identity != "anonymous" {
		a, err := c.account()
		if err != nil {
			return nil, err
		}
		s.project, s.email = cmp.Or(c.Project, a.Project), a.Email
		tokens, err := c.tokens(a, env)
		if err != nil {
			return nil, err
		}
		o.Attach, o.Renew = tokens.Attach, tokens.Renew
	}
	var err error
	if s.client, err = web.New(env, c.HTTP, o); err != nil {
		return nil, err
	}
	return &lake.Source{
		Selection: c.selection(), Options: c.Options(), Word: "bucket", Buckets: s.buckets, Shut: s.client.Close,
		Nothing: sdk.Config("buckets", "fit no bucket of the project", "name buckets that exist"),
		Bucket: func(name string) lake.Scope {
			return lake.Scope{Store: &bucket{s, name}, Namespace: "gs://" + name, ByteOrder: true}
		},
	}, nil
}

func (s *source) buckets(ctx context.Context) (names []string, err error) {
	if s.project == "" {
		return nil, sdk.Config("project", "is missing", "name the project whose buckets are listed, or name the buckets")
	}
	query := url.Values{"project": {s.project}, "maxResults": {"1000"}, "fields": {"kind,nextPageToken,items(name)"}}
	for {
		var page struct {
			Kind  string `json:"kind"`
			Next  string `json:"nextPageToken"`
			Items []struct {
				Name string `json:"name"`
			} `json:"items"`
		}
		if err := s.get(ctx, "/storage/v1/b", query, &page); err != nil {
			return nil, s.explain(err, "project", "the project "+s.project, "gcloud projects add-iam-policy-binding "+s.project+" --member=serviceAccount:"+s.email+" --role=roles/storage.bucketViewer")
		}
		if page.Kind != "storage#buckets" {
			return nil, s.notGCS()
		}
		for _, b := range page.Items {
			names = append(names, b.Name)
		}
		if page.Next == "" {
			return names, nil
		}
		query.Set("pageToken", page.Next)
	}
}

func (s *source) get(ctx context.Context, path string, query url.Values, into any) error {
	text, _, err := s.client.Read(ctx, web.Request{Path: path, Query: query})
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return sdk.Unavailable("the answer of "+s.client.Host()+" is broken or half: it is not the JSON that was to come", "run again; if it stays so, look what stands before the service", err)
	}
	return nil
}

func (s *source) notGCS() error {
	return sdk.Unavailable("the service at the endpoint does not answer like Google Cloud Storage", "look whether the endpoint is right", nil)
}

// explain says what a refusal means here. The rest, the client has explained.
func (s *source) explain(err error, field, what, grant string) error {
	switch web.Status(err) {
	case http.StatusForbidden:
		e := sdk.Denied("reading "+what+" is denied", "grant it: "+grant)
		e.Err = err
		return e
	case http.StatusNotFound:
		e := sdk.Config(field, "there is no such thing as "+what, "write a name that exists")
		e.Err = err
		return e
	}
	return err
}
