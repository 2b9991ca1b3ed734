// Package azuredatacatalog imports what people have exported of Azure Data Catalog
// before Microsoft retired it on 2024-05-15: assets with their descriptions, tags,
// experts, schemas and columns. It owns the form of the export; it opens no
// connection, since there is nothing to connect to any more, and never reads the
// previews and column profiles in a file, which hold rows of the data.
package azuredatacatalog

import (
	"context"
	_ "embed"
	"errors"

	"github.com/souk-mesh/souk/sdk"
)

//go:embed README.md
var doc string

// Config says where the export is.
type Config struct {
	Path      string            `json:"path" doc:"The exported file, or a folder of such files (.json)." format:"file"`
	Namespace string            `json:"namespace" doc:"Namespace of what has no name elsewhere, such as models of Analysis Services." default:"azuredatacatalog"`
	Servers   map[string]string `json:"servers,omitempty" doc:"What a server of the export is called by the plugin of its own system, such as SQL01: mssql://sql01.corp.example:1433."`
}

// Plugin is the importer of Azure Data Catalog.
func Plugin() sdk.Plugin[Config] {
	return sdk.Plugin[Config]{
		Info: sdk.Info{
			Name: "azuredatacatalog", Version: "1.0.0", Doc: doc,
			Summary: "Assets, descriptions, tags, experts and columns of a file that was exported of Azure Data Catalog.",
			Emits:   []string{"asset"},
		},
		Open: open, Judge: judge,
	}
}

func judge(c Config) error {
	for server, namespace := range c.Servers {
		if server == "" || !isNamespace(namespace) {
			return sdk.Config("servers", "names no namespace for "+server, "write one such as mssql://sql01.corp.example:1433")
		}
	}
	return nil
}

type source struct {
	Config
	files sdk.Files
}

func open(_ context.Context, c Config, env sdk.Env) (sdk.Source, error) {
	if err := judge(c); err != nil {
		return nil, err
	}
	if _, err := env.Files.IsFolder("path", c.Path); err != nil {
		return nil, err
	}
	return &source{c, env.Files}, nil
}

// Close has nothing to close: files are closed as they are read.
func (s *source) Close() error { return nil }

// Check reads the export to its end, so that one that is cut shows before a harvest.
func (s *source) Check(_ context.Context, r *sdk.Report) error {
	_, err := s.survey()
	if e, ours := errors.AsType[*sdk.Error](err); ours {
		r.Failed("read_export", e.Error(), e.Fix)
		return nil
	}
	if err == nil {
		r.OK("read_export")
	}
	return err
}

// scope is everything that an export holds.
const scope = "catalog"

// Harvest reads the export twice: once for the names of containers and terms,
// which any asset may refer to, and once for the assets. A cancel shows as an
// error of the sink.
func (s *source) Harvest(_ context.Context, _ sdk.Request, out sdk.Sink) error {
	known, err := s.survey()
	if err != nil {
		return err
	}
	h := &harvest{known: known, names: names{s.Namespace, s.Servers}, out: out, taken: map[sdk.NativeID]string{}}
	if err := s.each(h.item); err != nil {
		return err
	}
	if known.missing() > 0 {
		h.broken = true
		if err := out.Note(sdk.Note{Level: sdk.ErrorLevel, Code: "azuredatacatalog.pages", Title: "The export lacks pages of a search: it holds fewer assets than the search counted.", Scope: scope}); err != nil {
			return err
		}
	}
	if h.broken {
		return nil
	}
	return out.ScopeDone(scope)
}
