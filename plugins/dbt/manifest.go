package dbt

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/souk-mesh/souk/sdk"
)

// metadata is the head that every dbt artifact carries.
type metadata struct {
	Schema       text `json:"dbt_schema_version"`
	Version      text `json:"dbt_version"`
	GeneratedAt  text `json:"generated_at"`
	InvocationID text `json:"invocation_id"`
	Project      text `json:"project_name"`
	Adapter      text `json:"adapter_type"`
}

// node is what is kept of a model, test, source, exposure or the like. Of its SQL
// only the compiled one is, for as long as its columns are followed.
type node struct {
	UniqueID    string      `json:"unique_id"`
	Type        text        `json:"resource_type"`
	Package     text        `json:"package_name"`
	Name        text        `json:"name"`
	SourceName  text        `json:"source_name"`
	Database    text        `json:"database"`
	Schema      text        `json:"schema"`
	Alias       text        `json:"alias"`
	Identifier  text        `json:"identifier"`
	Relation    text        `json:"relation_name"`
	Description text        `json:"description"`
	File        text        `json:"original_file_path"`
	Columns     columns     `json:"columns"`
	Language    text        `json:"language"`
	Compiled    text        `json:"compiled_code"`
	CompiledSQL text        `json:"compiled_sql"` // before dbt 1.3
	Tags        texts       `json:"tags"`
	Meta        dict        `json:"meta"`
	Group       text        `json:"group"`
	Access      text        `json:"access"`
	NodeVersion text        `json:"version"`
	Contract    contract    `json:"contract"`
	PrimaryKey  texts       `json:"primary_key"`
	Constraints constraints `json:"constraints"`
	Config      struct {
		Materialized  text     `json:"materialized"`
		Tags          texts    `json:"tags"`
		Meta          dict     `json:"meta"`
		Group         text     `json:"group"`
		Access        text     `json:"access"`
		Severity      text     `json:"severity"`
		Contract      contract `json:"contract"`
		Freshness     dict     `json:"freshness"` // where dbt 1.10 moved both
		LoadedAtField text     `json:"loaded_at_field"`
	} `json:"config"`
	DependsOn struct {
		Nodes texts `json:"nodes"`
	} `json:"depends_on"`
	TestMetadata *struct {
		Name   text `json:"name"`
		Kwargs dict `json:"kwargs"`
	} `json:"test_metadata"`
	Attached     text  `json:"attached_node"`
	ColumnName   text  `json:"column_name"`
	ExposureType text  `json:"type"`
	Owner        owner `json:"owner"`
	Label        text  `json:"label"`
	URL          text  `json:"url"`
	Maturity     text  `json:"maturity"`
	Freshness    dict  `json:"freshness"`
	LoadedAt     text  `json:"loaded_at_field"`

	// Of metrics, semantic models and saved queries.
	TypeParams  json.RawMessage `json:"type_params"`
	Filter      json.RawMessage `json:"filter"`
	QueryParams json.RawMessage `json:"query_params"`
	Entities    elements        `json:"entities"`
	Dimensions  elements        `json:"dimensions"`
	Measures    elements        `json:"measures"`
}

// owner is the owner of a group or of an exposure.
type owner struct {
	Name  text  `json:"name"`
	Email texts `json:"email"`
}

func (o owner) names() []string {
	if len(o.Email) > 0 {
		return o.Email
	}
	if o.Name != "" {
		return []string{string(o.Name)}
	}
	return nil
}

// manifest is a whole manifest.json, cut down to what is emitted.
type manifest struct {
	metadata
	Nodes   map[string]*node // nodes, sources, exposures, unit tests, metrics, semantic models and saved queries
	Groups  map[string]owner // by unique id
	Damaged []string         // unique ids of nodes that could not be understood
	Keys    []string         // the top-level keys, to say what a foreign document is
}

// sections are the parts of a manifest that hold nodes, with the resource
// type of those that older versions leave without one.
func section(key string) (resourceType string, wanted bool) {
	types := map[string]string{
		"nodes": "", "sources": "source", "exposures": "exposure", "unit_tests": "unit_test",
		"metrics": "metric", "semantic_models": "semantic_model", "saved_queries": "saved_query", "functions": "function",
	}
	resourceType, wanted = types[key]
	return resourceType, wanted
}

// readManifest decodes the file node by node; only one node is ever held with all of its SQL.
func readManifest(files sdk.Files, file string) (*manifest, error) {
	m := &manifest{Nodes: map[string]*node{}, Groups: map[string]owner{}}
	err := walkFile(files, file, func(key string, d *json.Decoder) error {
		m.Keys = append(m.Keys, key)
		if key == "metadata" {
			return tolerate(d.Decode(&m.metadata))
		}
		if key == "groups" {
			return eachKey(d, func(id string, d *json.Decoder) error { return m.addGroup(id, d) })
		}
		kind, wanted := section(key)
		if !wanted {
			return eachKey(d, skip)
		}
		return eachKey(d, func(id string, d *json.Decoder) error { return m.addNode(id, kind, d) })
	})
	if err != nil {
		return nil, readError(file, err)
	}
	return m, m.genuine(file)
}

func (m *manifest) addGroup(id string, d *json.Decoder) error {
	var g struct {
		Owner owner `json:"owner"`
	}
	if err := tolerate(d.Decode(&g)); err != nil {
		return err
	}
	m.Groups[id] = g.Owner
	return nil
}

func (m *manifest) addNode(id, kind string, d *json.Decoder) error {
	var n node
	err := d.Decode(&n)
	if _, wrongType := errors.AsType[*json.UnmarshalTypeError](err); wrongType {
		m.Damaged = append(m.Damaged, id)
		return nil
	}
	if err != nil {
		return err
	}
	n.UniqueID = id
	if n.Type != "model" && n.Type != "snapshot" && kind == "" {
		n.Compiled, n.CompiledSQL = "", ""
	}
	if id == "" {
		m.Damaged = append(m.Damaged, "a node without an id")
		return nil
	}
	if n.Type == "" {
		n.Type = text(kind)
	}
	if n.Type == "" {
		n.Type = text(strings.SplitN(id, ".", 2)[0])
	}
	if isAsset(&n) && shortName(&n) == "" {
		m.Damaged = append(m.Damaged, id)
		return nil
	}
	m.Nodes[id] = &n
	return nil
}

// genuine refuses documents of other tools, saying what they seem to be.
func (m *manifest) genuine(file string) error {
	if strings.Contains(string(m.Schema), "/manifest/") {
		return nil
	}
	what := "a JSON document with the keys " + strings.Join(m.Keys[:min(5, len(m.Keys))], ", ")
	if m.Schema != "" {
		what = "the dbt artifact " + string(m.Schema)
	}
	return sdk.Config("path", fmt.Sprintf("%s is no dbt manifest: it seems to be %s", filepath.Base(file), what),
		"name the target folder of a dbt project, or its manifest.json")
}

// project is the project's name; manifests before dbt 1.6 do not state it, and
// then it is the package with the most models.
func (m *manifest) project() string {
	if m.Project != "" {
		return string(m.Project)
	}
	count := map[string]int{}
	for _, n := range m.Nodes {
		if n.Type == "model" || n.Type == "test" {
			count[string(n.Package)]++
		}
	}
	best := ""
	for name, c := range count {
		if c > count[best] || c == count[best] && name < best {
			best = name
		}
	}
	return best
}

// ids lists the unique ids in order, so that two runs emit the same.
func (m *manifest) ids() []string {
	ids := make([]string, 0, len(m.Nodes))
	for id := range m.Nodes {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// walkFile calls on for each top-level key of the JSON object in the file; on must read the value.
func walkFile(files sdk.Files, file string, on func(key string, d *json.Decoder) error) error {
	f, err := files.Open("path", file)
	if err != nil {
		return err
	}
	defer f.Close()
	d := json.NewDecoder(f)
	if err := eachKey(d, on); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something follows the end of the document")
	}
	return nil
}

// eachKey calls on for each key of the object that comes next; a value that is
// no object is read and passed over.
func eachKey(d *json.Decoder, on func(key string, d *json.Decoder) error) error {
	open, err := d.Token()
	if err != nil {
		return err
	}
	if open == json.Delim('[') {
		for d.More() {
			if err := skip("", d); err != nil {
				return err
			}
		}
		_, err = d.Token()
		return err
	}
	if open != json.Delim('{') {
		return nil
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		if err := on(key.(string), d); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

func skip(_ string, d *json.Decoder) error {
	var passed json.RawMessage
	return d.Decode(&passed)
}

// tolerate lets a value of an unexpected type pass: what could be read of it is kept.
func tolerate(err error) error {
	if _, wrongType := errors.AsType[*json.UnmarshalTypeError](err); wrongType {
		return nil
	}
	return err
}

// readError says what is wrong with an artifact in a user's words.
func readError(file string, err error) error {
	name := filepath.Base(file)
	again := "run dbt compile or dbt docs generate again"
	_, syntax := errors.AsType[*json.SyntaxError](err)
	refused, isRefusal := errors.AsType[*sdk.Error](err)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return sdk.Config("path", name+" does not exist", "run dbt compile or dbt docs generate, and name its target folder")
	case errors.Is(err, fs.ErrPermission):
		return sdk.Config("path", name+" may not be read", "let the user that runs souk read the file")
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return sdk.Config("path", name+" ends in the middle", again)
	case syntax:
		return sdk.Config("path", name+" is no valid JSON", again)
	case isRefusal:
		return refused
	}
	e := sdk.Config("path", name+" could not be read as an artifact of dbt", again)
	e.Err = err
	return e
}

// readHead reads the metadata only, which stands first in a manifest.
func readHead(files sdk.Files, file string) (metadata, error) {
	m := manifest{}
	found := errors.New("found")
	err := walkFile(files, file, func(key string, d *json.Decoder) error {
		m.Keys = append(m.Keys, key)
		if key != "metadata" {
			return skip(key, d)
		}
		if err := tolerate(d.Decode(&m.metadata)); err != nil {
			return err
		}
		return found
	})
	if err != nil && !errors.Is(err, found) {
		return metadata{}, readError(file, err)
	}
	return m.metadata, m.genuine(file)
}
