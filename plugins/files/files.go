// Package files harvests the datasets in one folder of files and below it. It
// owns the walk. It opens what the operator has opened to the source's domain
// and nothing else, follows no link, and refuses to read more of a file than its
// head; what a dataset is, plugins/internal/lake knows.
package files

import (
	"context"
	_ "embed"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/souk-mesh/souk/plugins/internal/lake"
	"github.com/souk-mesh/souk/sdk"
)

//go:embed README.md
var doc string

// Config says which folder to read and what to call it.
type Config struct {
	Path string `json:"path" doc:"The folder, with all that lies below it." format:"file"`
	Name string `json:"name,omitempty" doc:"Name of the machine or the share in the namespace file://NAME; the namespace is file when empty."`
	lake.Choice
}

// Plugin is the harvester of folders.
func Plugin() sdk.Plugin[Config] {
	return sdk.Plugin[Config]{
		Info: sdk.Info{
			Name: "files", Version: "1.0.0", Doc: doc,
			Summary: "Datasets in a folder: CSV, JSON, Parquet, Avro and Excel files, partitioned or not, Iceberg and Delta tables.",
			Emits:   []string{"asset"},
		},
		Open: open, Judge: judge,
	}
}

// judge looks at the text of the configuration alone.
func judge(c Config) error {
	if strings.ContainsAny(c.Name, "/ ") {
		return sdk.Config("name", "is no name of a machine", "write a name such as files.acme.example")
	}
	return c.Options().Judge()
}

type source struct {
	scope   lake.Scope
	options lake.Options
}

func open(_ context.Context, c Config, env sdk.Env) (sdk.Source, error) {
	if err := judge(c); err != nil {
		return nil, err
	}
	folder, err := env.Files.OpenFolder("path", c.Path)
	if err != nil {
		return nil, err
	}
	root := filepath.Clean(folder.Name())
	if err := folder.Close(); err != nil {
		return nil, err
	}
	namespace := "file"
	if c.Name != "" {
		namespace += "://" + c.Name
	}
	base := strings.TrimSuffix(root, "/") + "/"
	return &source{
		scope:   lake.Scope{Name: "folder:" + strings.ToValidUTF8(root, "\uFFFD"), Store: &tree{files: env.Files, root: base}, Namespace: namespace, Path: base, Kind: "FOLDER", Label: filepath.Base(root)},
		options: c.Options(),
	}, nil
}

// Close has nothing to close: each file is opened for itself.
func (s *source) Close() error { return nil }

// Check lists the folder, and reads from a file.
func (s *source) Check(ctx context.Context, r *sdk.Report) error {
	return lake.Check(ctx, []lake.Scope{s.scope}, s.options, r)
}

// Harvest emits the datasets of the folder.
func (s *source) Harvest(ctx context.Context, _ sdk.Request, out sdk.Sink) error {
	return lake.Run(ctx, []lake.Scope{s.scope}, s.options, out)
}

// explain says what keeps a file or folder from being read.
func explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrPermission):
		e := sdk.Denied("a file or folder may not be read", "let the user that runs souk read it: setfacl -R -m u:souk:rX FOLDER")
		e.Err = err
		return e
	case errors.Is(err, os.ErrNotExist):
		return errors.Join(lake.ErrGone, err)
	}
	return sdk.Unavailable("a file or folder cannot be read", "look at the disk or the share that it lies on", err)
}
