// Package amundsen imports what an Amundsen knows: tables with their columns,
// descriptions, tags, badges and owners, dashboards, and lineage. It reads the
// metadata service, finding tables by the search service or by what people own
// and read, or the CSV files of databuilder. It owns Amundsen's keys and forms; it
// refuses to write, and to read statistics, which hold values of the data.
package amundsen

import (
	"context"
	_ "embed"
	"net/http"
	"strings"

	"github.com/souk-mesh/souk/sdk"
	"github.com/souk-mesh/souk/sdk/web"
)

//go:embed README.md
var doc string

const version = "1.0.0"

// Config says where the services or the files are, and what the sources of
// Amundsen are called elsewhere.
type Config struct {
	URL           string            `json:"url,omitempty" doc:"Address of the metadata service, such as https://amundsen-metadata.example:5002; none where a folder is given." format:"url" host:"true"`
	Search        string            `json:"search,omitempty" doc:"Address of the search service, such as https://amundsen-search.example:5001, which lists all tables. Without it, those are found that people own, read or follow, that are popular, that lineage names, or that tables names." format:"url" host:"true"`
	Folder        string            `json:"folder,omitempty" doc:"Folder with the CSV files of databuilder, in place of the services." format:"file"`
	User          string            `json:"user,omitempty" doc:"The user, where what stands before the services asks for one."`
	Password      string            `json:"password,omitempty" doc:"Password of the user." format:"secret"`
	Token         string            `json:"token,omitempty" doc:"A bearer token, where what stands before the services asks for one." format:"secret"`
	Tables        []string          `json:"tables,omitempty" doc:"Keys of more tables, such as hive://gold.sales/orders, where there is no search service."`
	Sources       map[string]string `json:"sources,omitempty" doc:"What a source of Amundsen is called elsewhere, by its database or its database and cluster, such as postgres://shop: postgres://db.example:5432/shop, where what follows the host stands before the schema."`
	Namespace     string            `json:"namespace,omitempty" doc:"Namespace of what sources does not name; amundsen://HOST:PORT when empty, or amundsen for a folder."`
	Lineage       bool              `json:"lineage" doc:"Whether the lineage of tables is read, which takes a request more for each table." default:"true"`
	ColumnLineage bool              `json:"columnLineage" doc:"Whether the lineage of columns is read, which takes a request more for each column." default:"false"`
	HTTP          web.Config        `json:"http,omitzero"`
}

// Plugin is the importer of Amundsen.
func Plugin() sdk.Plugin[Config] {
	return sdk.Plugin[Config]{
		Info: sdk.Info{
			Name: "amundsen", Version: version, Doc: doc,
			Summary: "Tables, columns, descriptions, owners, dashboards and lineage of an Amundsen, imported.",
			Emits:   []string{"asset", "edge"},
		},
		Open: open, Judge: judge,
	}
}

func judge(c Config) error {
	switch {
	case c.URL == "" && c.Folder == "":
		return sdk.Config("url", "is missing", "give the address of the metadata service, or a folder with the files of databuilder")
	case c.URL != "" && c.Folder != "":
		return sdk.Config("folder", "is given beside url", "give one of them, and a source of its own for the other")
	case c.Search != "" && c.Folder != "":
		return sdk.Config("search", "is given beside folder", "give url in place of folder, or take search out")
	}
	for source, namespace := range c.Sources {
		if _, _, known := parseSource(namespace); !known || strings.ContainsAny(source, " \t") {
			return sdk.Config("sources", "names no namespace for "+source, "write one such as postgres://db.example:5432, with /DATABASE behind it where names of tables begin with one")
		}
	}
	for _, key := range c.Tables {
		if _, known := parseKey(key); !known {
			return sdk.Config("tables", "has what is no key of a table", "write DATABASE://CLUSTER.SCHEMA/TABLE, as in the address of the table's page")
		}
	}
	return c.HTTP.Judge()
}

// source is one Amundsen, of which either the client or the folder is given.
type source struct {
	Config
	names  names
	files  sdk.Files
	client *web.Client
	search *web.Client // nil without a search service
}

func open(_ context.Context, c Config, env sdk.Env) (sdk.Source, error) {
	if err := judge(c); err != nil {
		return nil, err
	}
	s := &source{Config: c, files: env.Files, names: names{namespace: c.Namespace, sources: c.Sources}}
	if c.Folder != "" {
		if s.names.namespace == "" {
			s.names.namespace = "amundsen"
		}
		return s, nil
	}
	if c.User != "" && c.Password == "" {
		return nil, sdk.Config("password", "is missing", "give the secret password of the user")
	}
	var err error
	options := web.Options{Address: c.URL, Agent: "souk-amundsen/" + version, Attach: web.Credentials{User: c.User, Password: c.Password, Token: c.Token}.Attach}
	if s.client, err = web.New(env, c.HTTP, options); err != nil {
		return nil, err
	}
	if c.Search != "" {
		options.Address, options.Field = c.Search, "search"
		if s.search, err = web.New(env, c.HTTP, options); err != nil {
			return nil, err
		}
	}
	if s.names.namespace == "" {
		s.names.namespace = "amundsen://" + s.client.Host()
	}
	return s, nil
}

// Close gives back the connections.
func (s *source) Close() error {
	for _, c := range []*web.Client{s.client, s.search} {
		if c != nil {
			c.Close()
		}
	}
	return nil
}

// Check reads a little of everything that a harvest wants.
func (s *source) Check(ctx context.Context, r *sdk.Report) error {
	if s.client == nil {
		_, err := s.readFolder()
		if err := r.Tried("read_files", err); err != nil {
			return err
		}
	} else if err := r.Tried("metadata_service", s.speaks(ctx)); err != nil {
		return err
	}
	if s.search == nil {
		return nil
	}
	_, err := s.searched(ctx, "table", nil, 1, func(hit) error { return nil })
	return r.Tried("search_service", err)
}

// speaks asks whether a metadata service is there: a table that it does not know
// and an address that is not one are both answered by 404.
func (s *source) speaks(ctx context.Context) error {
	var answer struct {
		Tags []struct{} `json:"tag_usages"`
	}
	err := s.client.Into(ctx, web.Request{Path: "/tags/"}, &answer)
	if web.Status(err) == http.StatusInternalServerError || web.Status(err) == http.StatusNotImplemented {
		return nil // a backend that knows no tags
	}
	return err
}

// Harvest reads the files, or asks the services.
func (s *source) Harvest(ctx context.Context, _ sdk.Request, out sdk.Sink) error {
	w := newWriter(s.names, out)
	if s.client == nil {
		g, err := s.readFolder()
		if err != nil {
			return err
		}
		return g.tell(w)
	}
	if err := s.speaks(ctx); err != nil {
		return err
	}
	return (&service{source: s, writer: w, found: map[string]bool{}}).harvest(ctx)
}
