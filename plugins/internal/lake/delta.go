package lake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/souk-mesh/souk/plugins/internal/lake/heads"
	"github.com/souk-mesh/souk/sdk"
)

const (
	mostCommits   = 50 // looked at for the schema, from the newest back
	largestCommit = 16 << 20
	largestCheck  = 64 << 20
)

// deltaMetadata is the action metaData of a commit, as the protocol has it
// (https://github.com/delta-io/delta/blob/master/PROTOCOL.md, read in November 2026).
type deltaMetadata struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Schema      string   `json:"schemaString"`
	Partitions  []string `json:"partitionColumns"`
}

type deltaStruct struct {
	Fields []deltaField `json:"fields"`
}

type deltaField struct {
	Name     string          `json:"name"`
	Type     json.RawMessage `json:"type"`
	Nullable bool            `json:"nullable"`
	Metadata struct {
		Comment string `json:"comment"`
	} `json:"metadata"`
}

// readDelta finds the newest action metaData: in the commits since the last
// checkpoint, in the checkpoint, or in the commits before it.
func readDelta(ctx context.Context, scope Scope, d *dataset) ([]heads.Table, error) {
	m, err := newestMetadata(ctx, scope, d)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return []heads.Table{{Properties: map[string]string{"schema": "not in the last 50 commits nor in the last checkpoint"}}}, nil
	}
	var schema deltaStruct
	if err := json.Unmarshal([]byte(m.Schema), &schema); err != nil {
		return nil, &heads.BrokenError{What: "the schema in the log of the Delta table is no JSON", Err: err}
	}
	t := heads.Table{Properties: map[string]string{}}
	flatten(schema.Fields, deltaColumn, "", 0, &t.Fields)
	for _, column := range m.Partitions {
		for i := range t.Fields {
			if t.Fields[i].Name == column {
				t.Fields[i].Meta = map[string]string{"partition": "identity"}
			}
		}
	}
	setSaid(t.Properties, "table_id", m.ID)
	setSaid(t.Properties, "table_name", m.Name)
	setSaid(t.Properties, "comment", m.Description)
	cutFields(&t)
	return []heads.Table{t}, nil
}

// setSaid sets what the table says of itself.
func setSaid(properties map[string]string, name, value string) {
	if value != "" {
		properties[name] = value
	}
}

func newestMetadata(ctx context.Context, scope Scope, d *dataset) (*deltaMetadata, error) {
	folder := strings.TrimSuffix(d.name, "/") + "/_delta_log/"
	if d.name == "/" {
		folder = "_delta_log/"
	}
	since := int64(-1)
	if d.log.checkpoint.Key != "" {
		folder = d.log.checkpoint.Key[:strings.LastIndexByte(d.log.checkpoint.Key, '/')+1]
		_, _ = fmt.Sscanf(lastPart(d.log.checkpoint.Key), "%d.", &since)
	}
	checked := d.log.checkpoint.Key == ""
	for version, tries := d.log.version, 0; version >= 0 && tries < mostCommits; version, tries = version-1, tries+1 {
		if version <= since && !checked {
			checked = true
			if m, err := readCheckpoint(ctx, scope, d.log.checkpoint); m != nil || err != nil {
				return m, err
			}
		}
		m, err := readCommit(ctx, scope, fmt.Sprintf("%s%020d.json", folder, version))
		if m != nil || err != nil {
			return m, err
		}
	}
	return nil, nil //nolint:nilnil // nothing is an answer here
}

// readCommit gives the action metaData of a commit, if it has one. A commit
// that has been cleaned up has none.
func readCommit(ctx context.Context, scope Scope, key string) (*deltaMetadata, error) {
	text, err := scope.Store.Read(ctx, key, 0, largestCommit)
	if errors.Is(err, ErrGone) {
		return nil, nil //nolint:nilnil // nothing is an answer here
	}
	if err != nil {
		return nil, err
	}
	for line := range bytes.Lines(text) {
		if !bytes.Contains(line, []byte(`"metaData"`)) {
			continue
		}
		var action struct {
			MetaData *deltaMetadata `json:"metaData"`
		}
		if err := json.Unmarshal(line, &action); err != nil {
			return nil, &heads.BrokenError{What: "a commit in the log of the Delta table is no JSON", Err: err}
		}
		if action.MetaData != nil {
			return action.MetaData, nil
		}
	}
	return nil, nil //nolint:nilnil // nothing is an answer here
}

// readCheckpoint reads the one column of a checkpoint that holds the schema.
func readCheckpoint(ctx context.Context, scope Scope, o Object) (m *deltaMetadata, err error) {
	if o.Size > largestCheck {
		return nil, nil //nolint:nilnil // the commits before it may say it
	}
	defer func() {
		if p := recover(); p != nil {
			m, err = nil, &heads.BrokenError{What: "the checkpoint of the Delta table breaks its reader"}
		}
	}()
	f, err := parquet.OpenFile(ranged{ctx, scope.Store, o}, o.Size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, brokenUnless(err, "the checkpoint of the Delta table cannot be read")
	}
	m = &deltaMetadata{}
	for _, column := range []struct {
		name string
		to   *string
	}{{"schemaString", &m.Schema}, {"id", &m.ID}, {"name", &m.Name}, {"description", &m.Description}} {
		values, err := columnOf(f, "metaData", column.name)
		if err != nil {
			return nil, brokenUnless(err, "the checkpoint of the Delta table cannot be read")
		}
		if len(values) > 0 {
			*column.to = values[0]
		}
	}
	if m.Partitions, err = columnOf(f, "metaData", "partitionColumns", "list", "element"); err != nil {
		return nil, brokenUnless(err, "the checkpoint of the Delta table cannot be read")
	}
	if m.Schema == "" {
		return nil, nil //nolint:nilnil // it is a part of a checkpoint without the schema
	}
	return m, nil
}

func brokenUnless(err error, what string) error {
	if _, fromStore := errors.AsType[*storeError](err); fromStore {
		return err
	}
	return &heads.BrokenError{What: what, Err: err}
}

// columnOf gives the values of a column that are not null.
func columnOf(f *parquet.File, path ...string) (values []string, err error) {
	leaf, ok := f.Schema().Lookup(path...)
	if !ok {
		return nil, nil
	}
	for _, group := range f.RowGroups() {
		pages := group.ColumnChunks()[leaf.ColumnIndex].Pages()
		values, err = readPages(pages, values)
		if err := errors.Join(err, pages.Close()); err != nil {
			return nil, err
		}
	}
	return values, nil
}

func readPages(pages parquet.Pages, values []string) ([]string, error) {
	buffer := make([]parquet.Value, 256)
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return values, nil
		}
		if err != nil {
			return nil, err
		}
		for r := page.Values(); ; {
			n, err := r.ReadValues(buffer)
			for _, v := range buffer[:n] {
				if !v.IsNull() {
					values = append(values, string(v.ByteArray()))
				}
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, err
			}
		}
	}
}

// ranged reads an object at offsets.
type ranged struct {
	ctx   context.Context //nolint:containedctx // io.ReaderAt has no place for it
	store Store
	o     Object
}

// storeError is of the way to an object, not of what it holds.
type storeError struct{ error }

// Unwrap gives the cause.
func (e *storeError) Unwrap() error { return e.error }

// ReadAt reads as io.ReaderAt says.
func (r ranged) ReadAt(p []byte, offset int64) (int, error) {
	b, err := r.store.Read(r.ctx, r.o.Key, offset, int64(len(p)))
	if err != nil {
		return 0, &storeError{err}
	}
	n := copy(p, b)
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func deltaColumn(f deltaField) (field sdk.Field, mark string, inner []deltaField) {
	kind, mark, inner := deltaKind(f.Type)
	return sdk.Field{Name: f.Name, NativeType: kind, Nullable: f.Nullable, Description: f.Metadata.Comment}, mark, inner
}

func deltaKind(raw json.RawMessage) (kind, mark string, inner []deltaField) {
	if json.Unmarshal(raw, &kind) == nil {
		return kind, "", nil
	}
	var t struct {
		Type    string          `json:"type"`
		Fields  []deltaField    `json:"fields"`
		Element json.RawMessage `json:"elementType"`
		Value   json.RawMessage `json:"valueType"`
	}
	if json.Unmarshal(raw, &t) != nil {
		return "", "", nil
	}
	switch t.Type {
	case "array":
		of, mark, inner := deltaKind(t.Element)
		return "array<" + of + ">", "[]" + mark, inner
	case "map":
		of, mark, inner := deltaKind(t.Value)
		return "map<" + of + ">", "{}" + mark, inner
	}
	return t.Type, "", t.Fields
}
