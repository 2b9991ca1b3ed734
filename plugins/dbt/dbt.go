// Package dbt harvests what dbt writes into its target folder: the models,
// seeds, snapshots, sources, tests, exposures, metrics, semantic models and
// saved queries of one project. It reads
// files and nothing else: it opens no connection and runs no SQL, and the SQL
// of the models never leaves it.
package dbt

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"

	"github.com/souk-mesh/souk/sdk"
)

//go:embed README.md
var doc string

// Config says where the artifacts are and which warehouse they are about.
type Config struct {
	Path            string `json:"path" doc:"The target folder of the dbt project, or its manifest.json." format:"file"`
	Namespace       string `json:"namespace,omitempty" doc:"OpenLineage namespace of the warehouse, such as postgres://db.example:5432. Only BigQuery needs none."`
	Project         string `json:"project,omitempty" doc:"Name of the project, where the manifest states none or a wrong one."`
	DefaultDatabase string `json:"defaultDatabase,omitempty" doc:"Database of nodes for which the manifest states none."`
}

// Plugin is the dbt harvester.
func Plugin() sdk.Plugin[Config] {
	return sdk.Plugin[Config]{
		Info: sdk.Info{
			Name: "dbt", Version: "1.0.0", Doc: doc,
			Summary: "Models, sources, tests, exposures and metrics of a dbt project, from its artifacts.",
			Emits:   []string{"asset", "edge", "quality"},
			Offers:  []string{sdk.OffersChanges},
		},
		Open:  func(_ context.Context, c Config, env sdk.Env) (sdk.Source, error) { return open(c, env) },
		Judge: judge,
	}
}

type source struct {
	config Config
	files  sdk.Files
	folder string
	file   string
	log    *slog.Logger
}

// judge says what is wrong with a configuration, whatever the files hold.
func judge(c Config) error {
	if c.Path == "" {
		return sdk.Config("path", "is missing", "name the target folder of the dbt project")
	}
	if c.Namespace == "" {
		return nil // the manifest tells whether it needs one
	}
	_, err := namespaceOf(c.Namespace, "")
	return err
}

func open(c Config, env sdk.Env) (sdk.Source, error) {
	if err := judge(c); err != nil {
		return nil, err
	}
	isFolder, err := env.Files.IsFolder("path", c.Path)
	if err != nil {
		return nil, readError(c.Path, err)
	}
	s := &source{config: c, files: env.Files, folder: filepath.Dir(c.Path), file: c.Path, log: env.Log}
	if isFolder {
		s.folder, s.file = c.Path, filepath.Join(c.Path, "manifest.json")
	}
	head, err := readHead(s.files, s.file)
	if err != nil {
		return nil, err
	}
	if _, err := namespaceOf(c.Namespace, string(head.Adapter)); err != nil {
		return nil, err
	}
	return s, nil
}

// Check reads every artifact, so that a damaged one shows before a harvest.
func (s *source) Check(_ context.Context, r *sdk.Report) error {
	failed := func(name string, err error) {
		e, ok := errors.AsType[*sdk.Error](err)
		if !ok {
			e = sdk.Config("path", err.Error(), "look at the file")
		}
		r.Failed(name, e.Message, e.Fix)
	}
	p, err := s.load()
	if err != nil {
		failed("read_artifacts", err)
		return nil
	}
	r.OK("read_artifacts")
	if p.catalog.Found {
		r.OK("read_catalog")
	} else {
		r.Failed("read_catalog", "catalog.json does not exist: columns have no types", "run dbt docs generate")
	}
	return nil
}

// Harvest emits the whole project under one scope. A cancel shows as an error of the sink.
func (s *source) Harvest(_ context.Context, _ sdk.Request, out sdk.Sink) error {
	p, err := s.load()
	if err != nil {
		return err
	}
	p.out = out
	for _, step := range []func() error{p.remarks, p.follow, p.emitAssets, p.emitEdges, p.emitTests, p.emitFreshness} {
		if err := step(); err != nil {
			return err
		}
	}
	if len(p.manifest.Damaged) > 0 {
		return nil // noted as errors of the scope, which is thereby not done
	}
	return out.ScopeDone(p.scope())
}

// Close has nothing to close: files are closed as they are read.
func (s *source) Close() error { return nil }

// project is one reading of all artifacts.
type project struct {
	out       sdk.Sink
	config    Config
	name      string
	namespace string
	manifest  *manifest
	catalog   catalog
	runs      results
	freshness results
	fields    map[sdk.NativeID][]sdk.Field // of the assets emitted
	whole     map[sdk.NativeID]bool        // of which the warehouse has told all fields
	lineage   *lineage
}

func (p *project) scope() string { return "project:" + p.name }

func (s *source) load() (*project, error) {
	p := &project{config: s.config}
	var err error
	if p.manifest, err = readManifest(s.files, s.file); err != nil {
		return nil, err
	}
	if p.namespace, err = namespaceOf(s.config.Namespace, string(p.manifest.Adapter)); err != nil {
		return nil, err
	}
	if p.name = s.config.Project; p.name == "" {
		p.name = p.manifest.project()
	}
	if p.name == "" {
		return nil, sdk.Config("project", "the manifest does not name its project", "set the name of the dbt project")
	}
	if p.catalog, err = readCatalog(s.files, filepath.Join(s.folder, "catalog.json")); err != nil {
		return nil, err
	}
	if p.runs, err = readResults(s.files, filepath.Join(s.folder, "run_results.json")); err != nil {
		return nil, err
	}
	p.freshness, err = readResults(s.files, filepath.Join(s.folder, "sources.json"))
	return p, err
}

// remarks notes what a reader of the harvest should know of the artifacts.
func (p *project) remarks() error {
	for _, id := range p.manifest.Damaged {
		n := sdk.Note{Level: sdk.ErrorLevel, Code: "dbt.damaged_node", Title: "A node of the manifest could not be understood.", Sample: id, Scope: p.scope()}
		if err := p.out.Note(n); err != nil {
			return err
		}
	}
	for _, id := range p.manifest.ids() {
		n := p.manifest.Nodes[id]
		if handled(n) {
			continue
		}
		if err := p.note(sdk.InfoLevel, "dbt.unknown_node", "Nodes of this type are not harvested.", fmt.Sprintf("%s %s", n.Type, id)); err != nil {
			return err
		}
	}
	return errors.Join(p.remarkCatalog(), p.compare("catalog.json", p.catalog.metadata, keys(p.catalog.Relations)),
		p.compare("run_results.json", p.runs.metadata, keys(p.runs.By)), p.compare("sources.json", p.freshness.metadata, keys(p.freshness.By)))
}

// remarkCatalog notes what the catalog lacks, and what it has beyond the
// manifest: both change what is told of the tables.
func (p *project) remarkCatalog() error {
	if !p.catalog.Found {
		return p.note(sdk.WarnLevel, "dbt.no_catalog",
			"There is no catalog.json: of the columns only those that are documented are known, without types and row counts. Run dbt docs generate.", "catalog.json")
	}
	if p.catalog.Faulty {
		if err := p.note(sdk.WarnLevel, "dbt.catalog_errors", "dbt met errors when it wrote catalog.json, so that tables may be missing there.", "catalog.json"); err != nil {
			return err
		}
	}
	ids := keys(p.catalog.Relations)
	slices.Sort(ids)
	for _, id := range ids {
		if p.manifest.Nodes[id] != nil {
			continue
		}
		if err := p.note(sdk.WarnLevel, "dbt.not_in_manifest", "The catalog has tables that the manifest does not know: they are left out. Write both files in one run of dbt.", id); err != nil {
			return err
		}
	}
	return nil
}

func handled(n *node) bool {
	switch n.Type {
	case "model", "seed", "snapshot", "source", "exposure", "test", "unit_test", "metric", "semantic_model", "saved_query":
		return true
	case "analysis", "operation", "sql operation", "sql_operation":
		return true // ad-hoc SQL that builds nothing
	}
	return false
}

// compare warns when an artifact is of another project or another run.
func (p *project) compare(file string, m metadata, ids []string) error {
	known := 0
	for _, id := range ids {
		if p.manifest.Nodes[id] != nil {
			known++
		}
	}
	switch {
	case len(ids) > 0 && known == 0:
		return p.note(sdk.WarnLevel, "dbt.other_project", "An artifact names no node of the manifest: it is of another project.", file)
	case m.InvocationID != "" && m.InvocationID != p.manifest.InvocationID:
		return p.note(sdk.WarnLevel, "dbt.other_invocation", "An artifact was written by another run of dbt than the manifest.", file)
	}
	return nil
}

func (p *project) note(level sdk.Level, code, title, sample string) error {
	return p.out.Note(sdk.Note{Level: level, Code: code, Title: title, Sample: sample})
}

func keys[V any](m map[string]V) []string {
	list := make([]string, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	return list
}
